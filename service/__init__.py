"""A linear recurrent network, trained and explained over HTTP."""

__version__ = "0.1.0"
