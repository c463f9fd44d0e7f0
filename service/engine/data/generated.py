"""Generated data: bits with the number of ones as target, or a first input to remember."""

import threading

import numpy as np

from service.engine.types import Array


class _Twister(threading.local):
    """One generator per thread: seeding it is much faster than creating it."""

    def __init__(self) -> None:
        self.random = np.random.RandomState(0)


_twister = _Twister()


def count_ones(
    n_samples: int = 20, n_steps: int = 10, seed: int = 1, noise: float = 0.0
) -> tuple[Array, Array]:
    """Draw bit sequences and the number of ones in each, as in the tutorial.

    The bits are rounded uniform numbers, drawn row by row from a private Mersenne Twister. The
    streams of ``numpy.random.RandomState`` are frozen, so a seed yields the same data in every
    version of numpy. The defaults yield the tutorial's data.

    Parameters
    ----------
    n_samples, n_steps
        Number N of sequences and length T of each; at least 1.
    seed
        0 to 2**32 - 1.
    noise
        Standard deviation of the normal noise added to the targets. The noise is drawn after all
        inputs, and not at all if this is 0, so the inputs do not depend on it.

    Returns
    -------
    inputs : (N, T)
        Zeros and ones, time along the columns.
    targets : (N,)
        The number of ones in each sequence, plus noise.

    References
    ----------
    P. Roelants, How to implement a recurrent neural network, part 1, peterroelants.github.io.
    NumPy Enhancement Proposal 19, Random number generator policy, for the frozen streams.
    """
    random = _twister.random
    random.seed(seed)
    inputs = np.around(random.random_sample((n_samples, n_steps)))
    targets = inputs.sum(axis=1)
    if noise != 0.0:
        targets += noise * random.standard_normal(n_samples)
    return inputs, targets


def remember(n_samples: int = 20, n_steps: int = 30, seed: int = 1) -> tuple[Array, Array]:
    """Draw sequences with one input at the first step, zeros after it, and that input as target.

    Only the first input matters, so every part of the gradient passes through the whole sequence.
    In ``count_ones`` late inputs suffice to learn both weights.

    Parameters
    ----------
    n_samples, n_steps
        Number N of sequences and length T of each; at least 1.
    seed
        0 to 2**32 - 1, of a private Mersenne Twister. Its streams are frozen, so a seed gives the
        same data in every version of numpy.

    Returns
    -------
    inputs : (N, T)
        Standard normal numbers in the first column, zeros in the others.
    targets : (N,)
        The first column.

    References
    ----------
    Y. Bengio, P. Simard and P. Frasconi, Learning long-term dependencies with gradient descent is
    difficult, IEEE Transactions on Neural Networks 5(2), 1994, section 2, the latch problem.
    NumPy Enhancement Proposal 19, Random number generator policy, for the frozen streams.
    """
    targets = np.random.RandomState(seed).standard_normal(n_samples)
    inputs = np.zeros((n_samples, n_steps))
    inputs[:, 0] = targets
    return inputs, targets
