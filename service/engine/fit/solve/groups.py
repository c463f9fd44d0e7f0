"""How much quantities of single sequences differ."""

import math

import numpy as np

from service.engine.fit.model import Sequences
from service.engine.fit.solve.estimates import Quantity, evaluate, find_deviations
from service.engine.fit.solve.solution import Solution


def find_spread(solution: Solution, quantity: Quantity, sequences: Sequences) -> float:
    """Return the standard deviation of a quantity over sequences, without that of its errors.

    The expected variance of the errors is subtracted, which are linearized: those that all
    sequences have in common do not make them differ.

    Parameters
    ----------
    solution
        The fit.
    quantity
        One quantity per sequence.
    sequences
        N sequences, each of which determines its quantity.

    Returns
    -------
    float
        At least 0; nan for less than two sequences, or without degrees of freedom.
    """
    n = len(sequences.targets)
    nu = solution.degrees_of_freedom
    if n < 2 or nu <= 0:
        return math.nan
    values = evaluate(solution, quantity, sequences)[:, 0]
    common, own = find_deviations(solution, quantity, sequences)
    differences = common[:, 0] - common[:, 0].mean(axis=0)
    errors = np.mean(own[:, 0] ** 2) + np.sum(differences**2) / (n - 1)
    variance = values.var(ddof=1) - errors * float(solution.best.squares[0]) / nu
    return math.sqrt(max(float(variance), 0.0))
