"""Generated data, datasets, series, units of time, moments and the factor."""

from service.engine.data.dataset import Dataset
from service.engine.data.factor import Factor, Precomputed
from service.engine.data.generated import count_ones, remember
from service.engine.data.moments import Moments, cost_polynomials
from service.engine.data.series import Note, Series, Step
from service.engine.data.units import UNIT_NAMES, find_bracketed, find_unit

__all__ = [
    "UNIT_NAMES",
    "Dataset",
    "Factor",
    "Moments",
    "Note",
    "Precomputed",
    "Series",
    "Step",
    "cost_polynomials",
    "count_ones",
    "find_bracketed",
    "find_unit",
    "remember",
]
