"""Generated data, datasets, series, their moments and the factor."""

from service.engine.data.count_ones import count_ones
from service.engine.data.dataset import Dataset
from service.engine.data.factor import Factor, Parabolas
from service.engine.data.moments import Moments, cost_polynomials
from service.engine.data.precomputed import Precomputed
from service.engine.data.remember import remember
from service.engine.data.series import Series, Step

__all__ = [
    "Dataset",
    "Factor",
    "Moments",
    "Parabolas",
    "Precomputed",
    "Series",
    "Step",
    "cost_polynomials",
    "count_ones",
    "remember",
]
