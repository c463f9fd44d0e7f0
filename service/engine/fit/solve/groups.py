"""The spread of quantities of single sequences."""

import numpy as np

from service.engine.fit.model import Sequences
from service.engine.fit.solve.estimates import Quantity, evaluate, find_deviations
from service.engine.fit.solve.solution import Solution
from service.engine.types import Array


def find_spreads(solution: Solution, quantity: Quantity, sequences: Sequences) -> Array:
    """Return the standard deviations of quantities over sequences, without that of its errors.

    The expected variance of the errors is subtracted, which are linearized: those that all
    sequences have in common do not make them differ.

    Parameters
    ----------
    solution
        The fit.
    quantity
        M quantities per sequence.
    sequences
        N sequences, each of which determines its quantities.

    Returns
    -------
    deviations : (M,)
        At least 0; nan for less than two sequences, or without degrees of freedom.
    """
    n = len(sequences.targets)
    nu = solution.degrees_of_freedom
    values = evaluate(solution, quantity, sequences)
    if n < 2 or nu <= 0:
        return np.full(values.shape[1], np.nan)
    common, own = find_deviations(solution, quantity, sequences)
    differences = common - common.mean(axis=0)
    errors = np.mean(own**2, axis=0) + np.sum(differences**2, axis=(0, 2)) / (n - 1)
    variances = values.var(axis=0, ddof=1) - errors * float(solution.best.squares[0]) / nu
    return np.asarray(np.sqrt(np.maximum(variances, 0.0)))
