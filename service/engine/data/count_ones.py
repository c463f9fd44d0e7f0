"""Count-ones data: bits in, the number of ones out."""

import numpy as np

from service.engine.types import Array


def count_ones(
    n_samples: int = 20, n_steps: int = 10, seed: int = 1, noise: float = 0.0
) -> tuple[Array, Array]:
    """Draw bit sequences and the number of ones in each, as the note draws them.

    Bits are rounded uniform numbers, drawn row by row from a private Mersenne Twister
    (``numpy.random.RandomState``, whose streams are frozen for ever), so that a seed names
    the same data in every version of numpy.

    Parameters
    ----------
    n_samples, n_steps
        The shape (N, T); both at least 1.
    seed
        0 to 2**32 - 1.
    noise
        Standard deviation of the normal noise added to the targets. It is drawn after all
        inputs, and not at all where ``noise`` is 0: the inputs do not depend on it.

    Returns
    -------
    inputs : (N, T)
        Zeros and ones, time along the columns.
    targets : (N,)
    """
    random = np.random.RandomState(seed)
    inputs = np.around(random.random_sample((n_samples, n_steps)))
    targets = inputs.sum(axis=1)
    if noise != 0.0:
        targets += noise * random.standard_normal(n_samples)
    return inputs, targets
