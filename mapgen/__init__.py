"""mapgen: declarative mapping specs in, typed transformers out, and a runtime to carry records."""

__version__ = "0.1.0"
