"""Predictions with bands, of fitted sequences, their continuation, and new ones."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from service.engine.data import Series
from service.engine.fit.criterion import Points
from service.engine.fit.estimates import estimate
from service.engine.fit.problem import FitOptions, Problem
from service.engine.fit.sequences import Sequences
from service.engine.fit.solution import Solution
from service.engine.profile import Interval
from service.engine.types import Array


class Prediction(NamedTuple):
    """A predicted sequence (T,); in a new one, the steps before the delay has passed are nan."""

    outputs: Array  # the mean
    low: Array  # the confidence band of the mean
    high: Array
    new_low: Array  # the band of a new observation, with its noise
    new_high: Array


def restore(
    series: Series, options: FitOptions, delay: int, w_rec: float, intervals: list[Interval]
) -> Solution:
    """Return a solution whose delay, w_rec and intervals of w_rec are known, without a search."""
    solution = Solution(Problem(series, options, delay))
    solution.best, solution.intervals = solution.evaluate(np.array([w_rec])), intervals
    return solution


def predict(
    solution: Solution,
    inputs: Sequence[Array],
    *,
    sequence: int | None = None,
    initial_state: float | None = None,
) -> list[Prediction]:
    """Predict new sequences, or the continuation of a fitted one.

    A continuation with ar1 noise starts from the last residual e: h steps later, e rho^h is added
    to the mean.

    Parameters
    ----------
    solution
        The fit.
    inputs
        (T, q) per prediction: the inputs at the predicted steps.
    sequence
        The index of the fitted sequence; None for new ones.
    initial_state
        The state before new sequences; None for that of the fit.

    Returns
    -------
    predictions
        One per sequence of inputs, each with T means and bands.

    Raises
    ------
    ValueError
        The initial state is unknown.
    """
    problem = solution.problem
    has_each, skip = problem.options.initial_state == "each", problem.options.delay[1]
    if sequence is None:
        if has_each and initial_state is None:
            detail = "each sequence of the fit has its own initial state"
            raise ValueError(f"{detail}: give one (initial_state), or continue one (continue)")
        past, targets, n_missing = inputs[0][:0], np.zeros(0), problem.delay
    else:
        rows = problem.series.rows(sequence)
        past, targets = (
            problem.series.inputs[rows][skip - problem.delay :],
            problem.series.targets[rows],
        )
        if len(targets) < skip or (has_each and np.isnan(targets[skip:]).all()):
            raise ValueError("the state of the sequence is unknown")
        targets, n_missing, initial_state = targets[skip:], 0, None
    predictions = []
    for steps in inputs:
        n_steps = max(len(steps) - n_missing, 0)
        path = np.concatenate([past, steps])[: len(targets) + n_steps]
        known = np.concatenate([targets, np.full(n_steps, np.nan)])
        used = problem.normalize(path[None], known[None])
        first = len(targets) if solution.is_colored and sequence is not None else None
        bands = predict_bands(solution, used, initial_state, first_new=first)
        missing = np.full((len(bands), len(steps) - n_steps), np.nan)
        fields = np.concatenate([missing, bands[:, 0, len(targets) : len(path)]], axis=1)
        predictions.append(Prediction(*fields))
    return predictions


def predict_bands(
    solution: Solution,
    sequences: Sequences,
    initial_state: float | None = None,
    *,
    first_new: int | None = None,
) -> Array:
    """Return the fields of a `Prediction` for sequences, (5, N, T).

    If every sequence has its own initial state, its targets determine it. From ``first_new`` on,
    if given, the noise continues that of the last target before.
    """
    problem, steps = solution.problem, np.arange(sequences.targets.shape[1], dtype=np.float64)
    lead = np.full(len(steps), np.inf)  # the steps since the last target, which noise may follow
    if first_new is not None and sequences.has_target.any():
        last = int(np.flatnonzero(sequences.has_target[0])[-1])
        lead[first_new:] = steps[first_new:] - last

    def mean(at: Points, sequences: Sequences) -> tuple[Array, float]:
        w = at.w[:, None, None]
        factors = problem.respond(at.w, sequences.sources)
        if problem.has_unknown_start and not problem.has_own_starts:
            # A new sequence may start before the impulse.
            factors[..., -2] = w ** (steps - problem.first_step)
        if initial_state is not None:
            factors[..., -1] -= (initial_state / problem.unit - problem.start) * w ** (steps + 1.0)
            if problem.has_unknown_start:
                factors[..., -2] = 0.0
                if problem.has_offset:
                    factors[..., -3] = 1.0 / (1.0 - w)
        if np.isfinite(lead).any():
            ahead = at.rho[:, None, None, None] ** lead[:, None]
            residual = factors[:, :, [last]]
            residual[..., -1] += sequences.targets[:, [last]]
            factors = factors - ahead * residual
        return factors, problem.unit

    outputs, low, high = estimate(solution, mean, sequences) + problem.center
    squared_rho = solution.rho**2
    variance = (1.0 - squared_rho**lead) / (1.0 - squared_rho)  # of the noise, by its innovations
    noise = problem.unit * np.sqrt(solution.find_slack(solution.best) * variance)
    with np.errstate(invalid="ignore"):  # where the mean is infinite
        down, up = np.hypot(outputs - low, noise), np.hypot(high - outputs, noise)
        return np.stack([outputs, low, high, outputs - down, outputs + up])
