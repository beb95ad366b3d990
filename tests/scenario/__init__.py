"""The seed scenario: a day of a shop and its ERP, with `mapgen serve` between them."""
