"""Datasets, count-ones data, and the second moments of a dataset."""

from service.engine.data.count_ones import count_ones
from service.engine.data.dataset import Dataset, DatasetSize
from service.engine.data.exact_moments import ExactMoments, are_sums_exact
from service.engine.data.moments import Moments, cost_polynomials, slope_square_sum

__all__ = [
    "Dataset",
    "DatasetSize",
    "ExactMoments",
    "Moments",
    "are_sums_exact",
    "cost_polynomials",
    "count_ones",
    "slope_square_sum",
]
