"""Least-squares fits of first-order recurrences, by a search over w_rec."""

from service.engine.fit.checks import Finding
from service.engine.fit.prediction import FittedModel, Prediction, predict
from service.engine.fit.problem import FitOptions, Problem
from service.engine.fit.result import DelayCost, Result, fit, solve_delay
from service.engine.fit.solution import Solution

__all__ = [
    "DelayCost",
    "Finding",
    "FitOptions",
    "FittedModel",
    "Prediction",
    "Problem",
    "Result",
    "Solution",
    "fit",
    "predict",
    "solve_delay",
]
