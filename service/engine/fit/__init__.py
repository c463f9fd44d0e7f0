"""Least-squares fits of first-order recurrences, by a search over w_rec."""

from service.engine.fit.prediction import Prediction, predict
from service.engine.fit.problem import FitOptions, Problem
from service.engine.fit.solver import Fit, fit, solve
from service.engine.fit.uncertainty import FittedModel

__all__ = [
    "Fit",
    "FitOptions",
    "FittedModel",
    "Prediction",
    "Problem",
    "fit",
    "predict",
    "solve",
]
