"""How many seconds of one core a piece of work takes, estimated before it is done.

The estimates come from the counts of the arithmetic. The constants were measured and are rounded
up.
"""

from collections import Counter
from collections.abc import Iterable

from service.engine.data import DatasetSize

# Seconds for one number of an array, by what is done with it.
MOMENT = 1e-9  # one multiply-add of the data pass, exact moments included
STRIP = 5e-9  # one sum of products, put in its place
READ = 10e-9  # to look at it, once or twice
HORNER = 1.5e-9  # one coefficient of a polynomial, at one weight of many
STEP = {"identity": 4e-9, "relu": 6e-9, "tanh": 40e-9, "sigmoid": 40e-9}  # one state
SCALAR = 4e-6  # an iteration's own cost in the interpreter
GOAL = 25e-6  # to compare a cost with the target where that takes all its digits
ARRAYS = 80e-6  # an iteration's own cost where many runs are trained at once
BACK = 3.0  # a backward pass, in forward passes
TRIAL = 200e-6  # an iteration's own cost with an optimizer that tries steps
TRIAL_STEP = 1e-6  # and for each step in time
TRIAL_HORNER = 17 * HORNER  # its polynomials for one step, at one weight of many
TRIAL_NETWORK = 3.0  # the same by running the network, in gradients


def evaluation_seconds(activation: str, size: DatasetSize, n_weights: int) -> float:
    """Return the seconds for the cost at many weights."""
    n_samples, n_steps, _ = size
    if activation == "identity":
        return data_pass_seconds(size) + n_weights * (3 * n_steps * HORNER + 20e-9)
    return n_weights * n_samples * n_steps * STEP[activation]


def data_pass_seconds(size: DatasetSize) -> float:
    """Return the seconds for the second moments of the samples, or for a look where needed."""
    n_samples, n_steps, known = size
    look = n_samples * n_steps * READ
    return look if known else look + n_samples * n_steps**2 * MOMENT + n_steps**2 * STRIP


def prediction_seconds(activation: str, lengths: Iterable[int]) -> float:
    """Return the seconds for the states of sequences of these lengths; equal ones run together."""
    counts = Counter(lengths)
    n_inputs = sum(length * count for length, count in counts.items())
    return sum(counts) * 2.5e-6 + n_inputs * STEP[activation]


def backpropagation_seconds(activation: str, size: DatasetSize, n_weights: int = 1) -> float:
    """Return the seconds for gradients by running the network forward and back."""
    n_samples, n_steps, _ = size
    return n_steps * 10e-6 + n_weights * BACK * n_samples * n_steps * STEP[activation]


def training_seconds(
    activation: str,
    size: DatasetSize,
    n_iterations: int,
    *,
    n_starts: int = 1,
    has_target: bool = False,
    tries_steps: bool = False,
) -> float:
    """Return the seconds for runs from one start or from many.

    An optimizer that tries steps needs normal equations and costs in place of gradients, and one
    more pass over the data.
    """
    if activation != "identity":
        each = backpropagation_seconds(activation, size, n_starts)
        return n_iterations * each * (TRIAL_NETWORK if tries_steps else 1.0)
    n_steps = size.n_steps
    if tries_steps:
        each = TRIAL + n_steps * (TRIAL_STEP + n_starts * TRIAL_HORNER) + n_starts * 100e-9
        second_pass = data_pass_seconds(size._replace(has_moments=False))
        return data_pass_seconds(size) + second_pass + n_iterations * each
    if n_starts == 1:
        each = SCALAR + n_steps * 20e-9 + has_target * (GOAL + n_steps * 100e-9)
    else:
        each = ARRAYS + n_starts * n_steps * 4 * HORNER
    return data_pass_seconds(size) + n_iterations * each


def trace_seconds(size: DatasetSize, n_points: int) -> float:
    """Return the seconds for gradient traces at some points."""
    n_samples, n_steps, _ = size
    return n_points * (n_steps * 30e-6 + n_samples * n_steps * 300e-9)
