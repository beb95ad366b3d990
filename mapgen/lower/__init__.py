"""From what has been checked to what back ends know."""
