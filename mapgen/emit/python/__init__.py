"""Python, back end of the compiler: what it hands out."""
