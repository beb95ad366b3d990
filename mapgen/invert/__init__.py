"""Whether rules can be undone: from the ir of a flow to what its documents give back."""
