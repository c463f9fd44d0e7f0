"""See why training a recurrent network fails; find a time constant, and whether to trust it."""

__version__ = "0.1.0"
