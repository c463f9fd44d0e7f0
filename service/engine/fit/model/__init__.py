"""The model that is fitted: options, data, unknowns and columns. It knows no solution."""

from service.engine.fit.model.design import assemble, respond, respond_at_targets
from service.engine.fit.model.options import FitOptions, TimeConstants
from service.engine.fit.model.problem import FitProblem, shorten
from service.engine.fit.model.ranks import find_sizes
from service.engine.fit.model.recurrence import delay, recur, split, spread
from service.engine.fit.model.sequences import Sequences

__all__ = [
    "FitOptions",
    "FitProblem",
    "Sequences",
    "TimeConstants",
    "assemble",
    "delay",
    "find_sizes",
    "recur",
    "respond",
    "respond_at_targets",
    "shorten",
    "split",
    "spread",
]
