"""Data for remembering: the first input of each sequence is its target."""

import numpy as np

from service.engine.types import Array


def remember(n_samples: int = 20, n_steps: int = 30, seed: int = 1) -> tuple[Array, Array]:
    """Draw sequences with one input at the first step, zeros after it, and that input as target.

    Only the first input matters, so every part of the gradient passes through the whole sequence.
    In ``count_ones`` late inputs teach the same weights as early ones.

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
