"""Generated data, datasets, series, units of time, moments and the factor."""

from service.engine.data.dataset import Dataset
from service.engine.data.factor import Factor, Precomputed
from service.engine.data.generated import count_ones, remember
from service.engine.data.moments import Moments, cost_polynomials
from service.engine.data.series import Note, Series, Step, describe_step
from service.engine.data.units import find_bracketed, find_unit, is_unit, name_unit

__all__ = [
    "Dataset",
    "Factor",
    "Moments",
    "Note",
    "Precomputed",
    "Series",
    "Step",
    "cost_polynomials",
    "count_ones",
    "describe_step",
    "find_bracketed",
    "find_unit",
    "is_unit",
    "name_unit",
    "remember",
]
