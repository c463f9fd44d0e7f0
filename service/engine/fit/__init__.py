"""Least-squares fits of first-order recurrences with an exact search over w_rec."""

from service.engine.fit.result import Fit, FitTable, Profile

__all__ = ["Fit", "FitTable", "Profile"]
