"""The model that is fitted: options, data, unknowns and columns. It knows no solution."""

from service.engine.fit.model.design import Responses, combine, respond
from service.engine.fit.model.options import FitOptions, TimeConstants
from service.engine.fit.model.problem import FitProblem, shorten
from service.engine.fit.model.ranks import find_sizes
from service.engine.fit.model.recurrence import delay, recur, split, spread
from service.engine.fit.model.sequences import Sequences
from service.engine.fit.model.unknowns import Unknowns

__all__ = [
    "FitOptions",
    "FitProblem",
    "Responses",
    "Sequences",
    "TimeConstants",
    "Unknowns",
    "combine",
    "delay",
    "find_sizes",
    "recur",
    "respond",
    "shorten",
    "split",
    "spread",
]
