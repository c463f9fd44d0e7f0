"""The version of this package, which flit reads."""

__version__ = "0.1.0"
