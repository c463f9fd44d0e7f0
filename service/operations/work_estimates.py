"""Estimates of work, in seconds of one core, from the counts of the arithmetic.

The constants were measured and are rounded up.
"""

from math import sqrt

from service.engine.data import Factor
from service.engine.network import ACTIVATIONS
from service.engine.profile import make_grid
from service.engine.training import OptimizerSpec
from service.schemas.resolved_datasets import AnyDataset, DatasetSize, ResolvedDataset

# Seconds per number.
MOMENT = 0.5e-9  # one multiply-add of the moments
STRIP = 5e-9  # one sum of products, added to its moment
QR = 0.09e-9  # one multiply-add of the factor
QR_NUMBER = 45e-9  # one number that is decomposed
RESIDUAL = 0.1e-9  # one multiply-add of the residuals of a cost
RESIDUAL_ROW = 2e-9  # one residual
COST = 50e-9  # one cost of known residuals or outputs; 6 to 150, if all leave the float64 range
LOG = 150e-9  # its logarithm for a picture; 4 to 400, as above
READ = 10e-9  # reading a number of a dataset once or twice
STORE = 100e-9  # hashing, encoding and storing a number of a dataset
PARSE = 20e-9  # one byte of JSON or CSV
HORNER = 1e-9  # one coefficient of a polynomial, evaluated for many weights
STEP = 8e-9  # one state; 2 to 6 by activation, up to 25 where states leave the float64 range
STEP_CALLS = 15e-6  # numpy's overhead of one step
# Seconds per iteration.
SCALAR = 4e-6  # the interpreter's overhead of one run
ARRAYS = 80e-6  # numpy's overhead of many runs
BACKWARD = 3.0  # a backward pass, in forward passes
CURVATURE = 4.0  # second derivatives, in forward passes
REPAIRED = 3.0  # cost ratio of gradients of many starts, some of which underflow
# For optimizers that try steps.
TRIAL = 200e-6  # seconds per iteration
TRIAL_STEP = 1e-6  # seconds per iteration and time step
TRIAL_COSTS = 10  # residuals and their derivatives, in costs
TRIAL_NETWORK = 3.0  # the same by running the network, in gradients
# For fits.
RESPONSE = 16e-9  # one state of a column, for one w_rec
FIT_QR = 0.5e-9  # one multiply-add of a factor with few columns
ROOT_PLACES = 30  # values of w_rec that a search visits besides its grid
FIT_SEARCH = 5e-3  # a search in a few numbers
TABLE_PLACES = 240  # the same, for the intervals of all predictions
LAST_STEP = 0.1  # the share of this if only the last step has a target
COLORED_SEARCHES = 40  # values of the autocorrelation


def surface_seconds(activation: str, size: DatasetSize, n_weights: float) -> float:
    """Return the seconds for the cost on a grid of weights."""
    if activation == "identity":
        rows = sqrt(n_weights)
        return data_pass_seconds(size) + rows * cost_seconds(size) + n_weights * COST
    # The exponents of a network take as much as the states of a sequence.
    per_network = (size.n_samples + 1) * size.n_steps * STEP + COST
    return n_weights * per_network + size.n_steps * STEP_CALLS


def picture_seconds(activation: str, size: DatasetSize, n_costs: float) -> float:
    """Return the seconds for the logarithms of the costs that a picture shows."""
    return surface_seconds(activation, size, n_costs) + n_costs * LOG


def cost_seconds(size: DatasetSize) -> float:
    """Return the seconds for one cost of the identity, among many, after the data pass."""
    rows = min(size.n_samples, size.n_steps + 2)
    return rows * (RESIDUAL_ROW + size.n_steps * RESIDUAL)


def data_pass_seconds(size: DatasetSize) -> float:
    """Return the seconds for the moments and the factor of a dataset, or for reading them."""
    n_samples, n_steps, is_precomputed = size[:3]
    seconds = reading_seconds(size)
    if not is_precomputed:
        seconds += n_samples * n_steps**2 * MOMENT + n_steps**2 * STRIP
    if n_samples > n_steps + 2 and not (is_precomputed and Factor.is_small(n_samples, n_steps)):
        seconds += n_samples * n_steps * (QR_NUMBER + n_steps * QR)
    return seconds


def reading_seconds(size: DatasetSize) -> float:
    """Return the seconds for reading or hashing a dataset."""
    return size.n_samples * size.n_steps * max(size.n_inputs, 1) * READ


def storing_seconds(dataset: AnyDataset) -> float:
    """Return the seconds for storing a dataset with what is computed from it."""
    size = dataset.size
    seconds = size.n_samples * size.n_steps * max(size.n_inputs, 1) * STORE
    return seconds + (data_pass_seconds(size) if isinstance(dataset, ResolvedDataset) else 0.0)


def prediction_seconds(n_inputs: int, n_steps: int) -> float:
    """Return the seconds for the states of sequences; those of one length run together."""
    return n_steps * 2.5e-6 + n_inputs * STEP


def backpropagation_seconds(size: DatasetSize, n_weights: int = 1) -> float:
    """Return the seconds for gradients by a forward and a backward pass."""
    n_samples, n_steps = size[:2]
    return n_steps * 10e-6 + n_weights * BACKWARD * n_samples * n_steps * STEP


def curvature_seconds(size: DatasetSize, n_weights: int) -> float:
    """Return the seconds for the curvature of the cost at many weights."""
    n_samples, n_steps = size[:2]
    return n_steps * 25e-6 + n_weights * CURVATURE * n_samples * n_steps * STEP


def training_seconds(
    optimizer: OptimizerSpec,
    activation: str,
    size: DatasetSize,
    n_iterations: int,
    *,
    n_costs: float,
    n_starts: int = 1,
) -> float:
    """Return the seconds for training from one or many initial weights.

    ``n_costs`` costs are recorded or compared with a target. An optimizer that tries steps needs
    normal equations and costs instead of gradients.
    """
    if activation != "identity":
        per_iteration = backpropagation_seconds(size, n_starts)
        if optimizer.tries_steps:
            per_iteration *= TRIAL_NETWORK
        elif not (optimizer.uses_magnitude or ACTIVATIONS[activation].is_piecewise_linear):
            # Signs lead bounded states to weights whose gradients all underflow.
            per_iteration += extended_seconds(size, n_starts)
        elif n_starts > 1:
            per_iteration *= REPAIRED
        return n_iterations * per_iteration
    n_steps = size.n_steps
    if optimizer.tries_steps:
        costs = TRIAL_COSTS * cost_seconds(size) + n_steps * 100e-9
        per_iteration = TRIAL + n_steps * TRIAL_STEP + n_starts * (costs + 100e-9)
    elif n_starts == 1:
        per_iteration = SCALAR + n_steps * 20e-9
    else:
        per_iteration = ARRAYS + n_starts * n_steps * 4 * HORNER
    training = n_iterations * per_iteration + n_costs * cost_seconds(size)
    return data_pass_seconds(size) + training


def extended_seconds(size: DatasetSize, n_weights: int) -> float:
    """Return the seconds for gradients with exponents of any size."""
    n_samples, n_steps = size[:2]
    return n_steps * 60e-6 + n_weights * n_samples * n_steps * 300e-9


def trace_seconds(size: DatasetSize, n_points: int) -> float:
    """Return the seconds for gradient traces."""
    return n_points * extended_seconds(size, 1)


def fit_seconds(
    size: DatasetSize, n_fits: int, w_rec: tuple[float, float], *, is_colored: bool
) -> float:
    """Return the seconds for fits of recurrences, the last of them with all intervals.

    There is one fit per delay, which searches the range ``w_rec``. For colored noise, the
    autocorrelation is searched as well.
    """
    n_samples, n_steps = size[:2]
    n_columns = 2 * size.n_inputs + 6  # with their derivatives
    per_place = n_steps * (n_columns * RESPONSE + n_columns**2 * FIT_QR)
    # Sequences with targets at the same steps are searched as few.
    n_rows = n_samples if size.is_series else min(n_samples, 4 * n_steps + 2)
    n_places = ROOT_PLACES + len(make_grid(n_steps, *w_rec))
    search = FIT_SEARCH + n_places * n_rows * per_place
    table = TABLE_PLACES * n_samples * per_place * (1.0 if size.is_series else LAST_STEP)
    return n_fits * search * (COLORED_SEARCHES if is_colored else 1) + FIT_SEARCH + table
