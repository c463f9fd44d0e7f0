"""Estimates of work, in seconds of one core, from the counts of the arithmetic.

The constants were measured and are rounded up.
"""

from service.schemas.datasets import DatasetSize

# Seconds per number.
MOMENT = 1e-9  # one multiply-add of the data pass, exact moments included
STRIP = 5e-9  # one sum of products, added to its moment
READ = 10e-9  # reading a number of a dataset once or twice
STORE = 100e-9  # hashing, encoding and storing a number of a dataset
PARSE = 20e-9  # one byte of JSON or CSV
HORNER = 1.5e-9  # one coefficient of a polynomial, evaluated for many weights
STEP = 40e-9  # one state, with an activation that takes an exponential
QUICK_STEPS = {"identity": 4e-9, "relu": 6e-9}  # one state, with any other activation
# Seconds per iteration.
SCALAR = 4e-6  # the interpreter's overhead of one run
TARGET = 25e-6  # comparing the cost with the target when that takes all its digits
ARRAYS = 80e-6  # numpy's overhead of many runs
BACKWARD = 3.0  # a backward pass, in forward passes
# For optimizers that try steps.
TRIAL = 200e-6  # seconds per iteration
TRIAL_STEP = 1e-6  # seconds per iteration and time step
TRIAL_HORNER = 17 * HORNER  # the polynomials of one time step, evaluated for many weights
TRIAL_NETWORK = 3.0  # the same by running the network, in gradients


def step_seconds(activation: str) -> float:
    """Return the seconds for one state."""
    return QUICK_STEPS.get(activation, STEP)


def evaluation_seconds(activation: str, size: DatasetSize, n_weights: float) -> float:
    """Return the seconds for the cost at many weights."""
    n_samples, n_steps, _ = size
    if activation == "identity":
        return data_pass_seconds(size) + n_weights * (3 * n_steps * HORNER + 20e-9)
    return n_weights * n_samples * n_steps * step_seconds(activation)


def data_pass_seconds(size: DatasetSize) -> float:
    """Return the seconds for the second moments of a dataset, or for reading it if known."""
    n_samples, n_steps, known = size
    reading = reading_seconds(size)
    if known:
        return reading
    return reading + n_samples * n_steps**2 * MOMENT + n_steps**2 * STRIP


def reading_seconds(size: DatasetSize) -> float:
    """Return the seconds for reading or hashing a dataset."""
    return size.n_samples * size.n_steps * READ


def storing_seconds(size: DatasetSize) -> float:
    """Return the seconds for storing a dataset with its moments and its optimum."""
    return size.n_samples * size.n_steps * STORE + data_pass_seconds(size)


def prediction_seconds(activation: str, n_inputs: int, n_steps: int) -> float:
    """Return the seconds for the states of sequences; those of one length run together."""
    return n_steps * 2.5e-6 + n_inputs * step_seconds(activation)


def backpropagation_seconds(activation: str, size: DatasetSize, n_weights: int = 1) -> float:
    """Return the seconds for gradients by a forward and a backward pass."""
    n_samples, n_steps, _ = size
    return n_steps * 10e-6 + n_weights * BACKWARD * n_samples * n_steps * step_seconds(activation)


def training_seconds(
    activation: str,
    size: DatasetSize,
    n_iterations: int,
    *,
    n_starts: int = 1,
    has_target: bool = False,
    is_damped_least_squares: bool = False,
) -> float:
    """Return the seconds for training from one or many initial weights.

    Damped least squares needs normal equations and costs instead of gradients, and one
    more pass over the data.
    """
    if activation != "identity":
        per_iteration = backpropagation_seconds(activation, size, n_starts)
        return n_iterations * per_iteration * (TRIAL_NETWORK if is_damped_least_squares else 1.0)
    n_steps = size.n_steps
    if is_damped_least_squares:
        per_iteration = TRIAL + n_steps * (TRIAL_STEP + n_starts * TRIAL_HORNER) + n_starts * 100e-9
        second_pass = data_pass_seconds(size._replace(has_moments=False))
        return data_pass_seconds(size) + second_pass + n_iterations * per_iteration
    if n_starts == 1:
        per_iteration = SCALAR + n_steps * 20e-9 + has_target * (TARGET + n_steps * 100e-9)
    else:
        per_iteration = ARRAYS + n_starts * n_steps * 4 * HORNER
    return data_pass_seconds(size) + n_iterations * per_iteration


def trace_seconds(size: DatasetSize, n_points: int) -> float:
    """Return the seconds for gradient traces."""
    n_samples, n_steps, _ = size
    return n_points * (n_steps * 30e-6 + n_samples * n_steps * 300e-9)
