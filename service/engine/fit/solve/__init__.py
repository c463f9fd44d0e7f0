"""The search over the poles, and what is estimated at its minima."""

from service.engine.fit.solve.criterion import Criterion, Points
from service.engine.fit.solve.estimates import (
    Parameters,
    Quantity,
    bound,
    estimate,
    estimate_parameters,
    evaluate,
    find_determined,
    find_fitted,
    find_gains,
    find_stretch,
    weigh_gains,
    weigh_inputs,
    weigh_offset,
)
from service.engine.fit.solve.groups import find_spreads
from service.engine.fit.solve.linear import Linear, compute_rows, solve
from service.engine.fit.solve.linearization import Linearization, linearize
from service.engine.fit.solve.parts import find_baseline, respond_to
from service.engine.fit.solve.reweighting import reweight, settle
from service.engine.fit.solve.scan import scan
from service.engine.fit.solve.solution import Solution

__all__ = [
    "Criterion",
    "Linear",
    "Linearization",
    "Parameters",
    "Points",
    "Quantity",
    "Solution",
    "bound",
    "compute_rows",
    "estimate",
    "estimate_parameters",
    "evaluate",
    "find_baseline",
    "find_determined",
    "find_fitted",
    "find_gains",
    "find_spreads",
    "find_stretch",
    "linearize",
    "respond_to",
    "reweight",
    "scan",
    "settle",
    "solve",
    "weigh_gains",
    "weigh_inputs",
    "weigh_offset",
]
