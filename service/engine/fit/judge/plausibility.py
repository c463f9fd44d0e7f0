"""Fits that describe the data well, and whose parameters are still doubtful."""

import itertools
import math

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.findings import Finding
from service.engine.fit.solve import Solution, find_gains, linearize


def find_turn(solution: Solution) -> Finding | None:
    """Return the finding that the effect of an input turns inside the data.

    Parameters
    ----------
    solution
        A fit.

    Returns
    -------
    Finding or None
        `curve_turns`, with the vertex of the parabola as its value. Of several inputs, that with
        the most values on both sides of it.
    """
    problem = solution.problem
    if not problem.options.curves:
        return None
    names = problem.record.input_names
    gains = find_gains(solution)
    turns = []
    for k, name in enumerate(problem.options.curves):
        i = names.index(name)
        slope = gains[i]
        bend = gains[len(names) + k]
        vertex = problem.centers[i] - 0.5 * slope / bend if bend != 0.0 else np.nan
        values = problem.record.inputs[:, i]
        n_beyond = min(np.count_nonzero(values < vertex), np.count_nonzero(values > vertex))
        if n_beyond > 0:
            turns.append((n_beyond, Finding("curve_turns", name, value=float(vertex))))
    return max(turns, key=lambda turn: turn[0])[1] if turns else None


def is_drift(single: Solution, several: Solution) -> bool:
    """Return True if one of several states describes the drift of a level.

    Parameters
    ----------
    single, several
        Fits with one and with several time constants, with the noise with which they are compared.

    Returns
    -------
    bool
        An effect that is detected with one time constant has another sign with several, equal poles
        have few targets, or the unknowns are too many.
    """
    n_targets = several.n_targets
    if several.problem.n_unknowns > n_targets / constants.TARGETS_PER_UNKNOWN:
        return True
    atol = constants.CLOSE if several.is_coarse else constants.COINCIDENT
    if n_targets < constants.TARGETS_OF_EQUAL_POLES and coincide(several, atol):
        return True
    if single.degrees_of_freedom <= 0:
        return False
    is_free = single.problem.is_free
    turns = find_gains(single)[is_free] * find_gains(several)[is_free] < 0.0
    is_detected = linearize(single.criterion, single.best).test_inputs() <= constants.EFFECT_ALPHA
    return bool((turns & is_detected).any())


def may_be_drift(several: Solution) -> bool:
    """Return True if the slowest of several states is slow, and its start is fitted."""
    problem = several.problem
    longest = problem.padded.n_steps / constants.RECORD_PER_TIME
    is_slow = several.w_rec >= np.exp(-1.0 / longest)
    return bool(problem.unknowns.n_states > 1 and problem.has_unknown_start and is_slow)


def has_common_trend(colored: Solution) -> bool:
    """Return True if no effect is detected with a straight line in the fit.

    Parameters
    ----------
    colored
        A fit with an effect, with the noise with which models are compared.

    Returns
    -------
    bool
        False with many targets, or with several states.
    """
    problem = colored.problem
    is_large = problem.n_targets > constants.ENOUGH_TARGETS or problem.unknowns.n_states > 1
    if is_large or problem.options.trend:
        return False
    with_line = Solution(problem.vary(trend=True))
    if not with_line.can_judge:
        return False
    p_values = linearize(with_line.criterion, with_line.best).test_inputs()
    return bool((p_values > constants.EFFECT_ALPHA).all())


def find_change_at_once(solution: Solution, name: str) -> float:
    """Return by how many standard errors w_rec changes if an input also acts without memory.

    The change is linearized, with the direct effect that the residuals show.

    Parameters
    ----------
    solution
        A fit whose residuals correlate with the input in the same step.
    name
        The input.

    Returns
    -------
    float
        Infinite for several states, whose inputs act on more than one w_rec.
    """
    if solution.problem.n_poles != 1:
        return math.inf
    linearization = linearize(solution.criterion, solution.best)
    sequences = linearization.sequences
    place = solution.problem.series.input_names.index(name)
    column = sequences.inputs[..., place][sequences.has_target][:, None] / sequences.scales
    white = sequences.whiten(column, linearization.rho)
    directions, _ = linearization.slopes
    change = float(np.sum(directions * white)) * linearization.weigh(white)
    variance = float(linearization.fitted.squares[0]) / linearization.degrees_of_freedom
    return abs(change) / max(math.sqrt(variance), constants.TINY)


def coincide(solution: Solution, atol: float) -> bool:
    """Return True if two states with the same inputs have equal poles, up to a distance."""
    pairs = itertools.combinations(
        zip(solution.poles, solution.problem.unknowns.acts, strict=True), 2
    )
    return any(
        abs(first - second) < atol and bool((acts == others).all())
        for (first, acts), (second, others) in pairs
    )
