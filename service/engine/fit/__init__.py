"""Least-squares fits of first-order recurrences, by a search over w_rec."""

from service.engine.fit.estimates import Prediction, predict
from service.engine.fit.problem import FitOptions, Problem
from service.engine.fit.residuals import Finding
from service.engine.fit.result import ENOUGH_TARGETS, Result, fit
from service.engine.fit.solution import Solution

__all__ = [
    "ENOUGH_TARGETS",
    "Finding",
    "FitOptions",
    "Prediction",
    "Problem",
    "Result",
    "Solution",
    "fit",
    "predict",
]
