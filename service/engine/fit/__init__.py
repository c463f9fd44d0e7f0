"""Least-squares fits of first-order recurrences, by a search over w_rec."""

from service.engine.fit.alternatives import Alternative
from service.engine.fit.checks import Finding
from service.engine.fit.effects import Effect
from service.engine.fit.prediction import FittedModel, Prediction, predict
from service.engine.fit.problem import FitOptions, Problem
from service.engine.fit.result import DelayCost, ResidualTests, Result, fit, solve_delay
from service.engine.fit.solution import Solution
from service.engine.fit.verdict import Trust

__all__ = [
    "Alternative",
    "DelayCost",
    "Effect",
    "Finding",
    "FitOptions",
    "FittedModel",
    "Prediction",
    "Problem",
    "ResidualTests",
    "Result",
    "Solution",
    "Trust",
    "fit",
    "predict",
    "solve_delay",
]
