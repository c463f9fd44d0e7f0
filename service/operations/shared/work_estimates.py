"""Estimates of work in seconds of one core: the size of a request times one of two speeds.

They determine the order of the queues and which requests become jobs. Budgets bound the work
itself, so it suffices that estimates are correct within an order of magnitude.
"""

from math import sqrt
from typing import Final

from service.engine.training import OPTIMIZERS
from service.schemas.computations import TrainingRequest
from service.schemas.fits import FitRequest
from service.schemas.resolved_datasets import AnyDataset, DatasetSize, ResolvedDataset

MULTIPLY: Final = 0.5e-9  # seconds per multiply-add, of moments, factors and polynomials
STATE: Final = 8e-9  # seconds per state of a network, and for reading a number
CALL: Final = 10e-6  # seconds per step or iteration, of numpy
PARSE: Final = 20e-9  # seconds per byte of JSON
READ: Final = 200e-9  # seconds per byte of a table: measured 140 to 450, for dates and sequences
UNPACK: Final = 1.0  # seconds for an archive, whose size is not that of its contents


def network_seconds(size: DatasetSize, n_runs: float) -> float:
    """Return the seconds for running networks over a dataset; a backward pass counts as two."""
    return size.n_steps * (CALL + n_runs * size.n_samples * STATE)


def surface_seconds(activation: str, size: DatasetSize, n_weights: float) -> float:
    """Return the seconds for the cost on a grid of weights."""
    if activation != "identity":
        return network_seconds(size, n_weights)
    n_products = size.n_samples * size.n_steps * min(size.n_samples, size.n_steps)  # of the factor
    preparing = reading_seconds(size) + (not size.is_precomputed) * n_products * MULTIPLY
    return preparing + sqrt(n_weights) * cost_seconds(size) + 10 * n_weights * STATE


def cost_seconds(size: DatasetSize) -> float:
    """Return the seconds for one cost of the identity, among many, after the data pass."""
    return min(size.n_samples, size.n_steps + 2) * (size.n_steps + 4) * MULTIPLY


def data_pass_seconds(size: DatasetSize) -> float:
    """Return the seconds for the moments and the factor of a dataset, or for reading them."""
    n_products = 0 if size.is_precomputed else size.n_samples * size.n_steps**2
    return reading_seconds(size) + n_products * MULTIPLY


def reading_seconds(size: DatasetSize) -> float:
    """Return the seconds for reading or hashing a dataset."""
    return size.n_samples * size.n_steps * max(size.n_inputs, 1) * STATE


def storing_seconds(dataset: AnyDataset) -> float:
    """Return the seconds for storing a dataset with its reductions."""
    size = dataset.size
    computing = data_pass_seconds(size) if isinstance(dataset, ResolvedDataset) else 0.0
    return 10 * reading_seconds(size) + computing


def training_seconds(
    request: TrainingRequest,
    size: DatasetSize,
    n_iterations: int,
    n_costs: float = 0.0,
    n_starts: float = 1.0,
) -> float:
    """Return the seconds for training from one or many initial weights, with recorded costs.

    Comparing costs with a target takes a fraction of the time of the gradients.
    """
    tries_steps = OPTIMIZERS[request.optimizer.name].tries_steps
    if request.network.activation != "identity":
        return n_iterations * (3 if tries_steps else 1) * network_seconds(size, 4 * n_starts)
    per_iteration = CALL + 8 * n_starts * size.n_steps * MULTIPLY
    if tries_steps:
        per_iteration = 20 * (per_iteration + n_starts * cost_seconds(size))
    training = n_iterations * per_iteration + n_costs * cost_seconds(size)
    return data_pass_seconds(size) + training


def fit_seconds(request: FitRequest, size: DatasetSize, n_fits: int, n_states: int = 1) -> float:
    """Return the seconds for fits of recurrences, one per delay, at about a hundred w_rec each.

    With several states, each state has several times as many, at which the others are fitted. With
    weights, which are refitted, sequences cannot be compressed.
    """
    n_rows = size.n_samples
    if not size.is_series and not request.is_weighted:
        n_rows = min(n_rows, 4 * size.n_steps + 2)
    n_columns = n_states * (size.n_inputs + 1) + 2
    n_weights = 100 * n_fits * (2 if request.noise == "ar1" else 1) + 200
    if request.is_weighted:
        n_weights *= 4
    if n_states > 1:
        n_weights *= 2 * n_states
    n_numbers = n_rows * size.n_steps * n_columns * (1 + n_states)  # with their derivatives
    return n_weights * (100 * CALL + n_numbers * 2 * STATE)
