"""Datasets, count-ones data, and the second moments of a dataset."""

from service.engine.data.count_ones import count_ones
from service.engine.data.dataset import Dataset
from service.engine.data.exact_moments import compute_exact_moments
from service.engine.data.moments import Moments, cost_polynomials, slope_square_sum, split_sums

__all__ = [
    "Dataset",
    "Moments",
    "compute_exact_moments",
    "cost_polynomials",
    "count_ones",
    "slope_square_sum",
    "split_sums",
]
