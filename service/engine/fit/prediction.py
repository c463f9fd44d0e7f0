"""Parameters and predictions with profile intervals."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from service.engine.data import Series
from service.engine.fit.problem import FitOptions, Problem, Sequences, pad
from service.engine.fit.reduced_cost import make_columns
from service.engine.fit.uncertainty import FittedModel, Region
from service.engine.types import Array

UNBOUNDED: Final = -np.inf, np.inf


class Parameters:
    """All unknowns except w_rec, in the units of the data: rows of a value and its interval.

    There is one initial state per sequence (nan without targets), or one for all sequences. A
    parameter that is not fitted is None.
    """

    def __init__(self, region: Region) -> None:
        problem, w = region.problem, float(region.best.w[0])
        n_inputs, has_offset = len(problem.input_units), problem.options.offset
        has_start = problem.has_unknown_start
        # The offset beside an unknown start is beta / (1 - w), as a gain is w_in / (1 - w).
        is_summed = np.repeat([False, True, has_start], [n_inputs, n_inputs, has_offset])
        weights = np.eye(n_inputs + has_offset, problem.n_columns + 1)
        factors = np.concatenate([weights[:n_inputs], weights])

        def quantity(w: Array, _: Sequences) -> tuple[Array, Array]:
            return factors, 1.0 / (1.0 - w * is_summed)

        numbers = problem.unit * region.estimate(quantity, problem.sequences[:1])[:, 0].T
        w_in, gains, offset = np.split(numbers, [n_inputs, 2 * n_inputs])
        self.w_in = w_in / problem.input_units[:, None]  # (q, 3)
        self.steady_state_gains = gains / problem.input_units[:, None]  # (q, 3)
        if region.pieces[0].low < -1.0 or region.pieces[-1].high > 1.0:
            self.steady_state_gains[:, 1:] = UNBOUNDED
        if abs(w) >= 1.0:
            self.steady_state_gains[:, 0] = np.nan
        if has_start and region.surrounds(1.0):
            offset[:, 1:] = UNBOUNDED
        self.offset = offset[0] + problem.center if has_offset else None  # (3,)
        self.initial_states = _estimate_states(region) if has_start else None  # (n, 3) or (1, 3)


def _estimate_states(region: Region) -> Array:
    """Return the states S_0 = a / w^(k + 1) - beta / (1 - w) (N, 3), for an impulse a at step k."""
    problem, has_offset = region.problem, region.problem.options.offset

    def quantity(w: Array, sequences: Sequences) -> tuple[Array, Array]:
        power = np.argmax(sequences.sources[..., -1], axis=1)[:, None] + 1.0
        gap = 1.0 - w * has_offset
        factors = np.zeros((len(w), len(power), 1, problem.n_columns + 1))
        factors[..., -2] = gap
        if has_offset:
            factors[..., -3] = -(w**power)
        return factors, w**-power / gap

    has_each = problem.options.initial_state == "each"
    own = problem.sequences[: None if has_each else 1]
    states = problem.unit * region.estimate(quantity, own)[:, :, 0].T
    if region.surrounds(0.0) or (has_offset and region.surrounds(1.0)):
        states[:, 1:] = UNBOUNDED
    if has_each:
        states[~own.has_target.any(axis=1)] = np.nan
    return states


class Prediction(NamedTuple):
    """A predicted sequence (T,); in a new one, the steps before the delay has passed are nan."""

    outputs: Array  # the mean
    low: Array  # the confidence band of the mean
    high: Array
    new_low: Array  # the band of a new observation, with its noise
    new_high: Array


def predict(
    series: Series,
    options: FitOptions,
    model: FittedModel,
    inputs: Sequence[Array],
    *,
    sequence: int | None = None,
    initial_state: float | None = None,
) -> list[Prediction]:
    """Predict new sequences, or the continuation of a fitted one.

    Parameters
    ----------
    series, options, model
        Those of the fit.
    inputs
        (T, q) per prediction: the inputs at the predicted steps.
    sequence
        The index of the fitted sequence; None for new ones.
    initial_state
        The state before new sequences; None for that of the fit.

    Raises
    ------
    ValueError
        The initial state is unknown.
    """
    problem = Problem(series, options, model.delay, model.rho)
    region = Region(problem, model)
    has_each, skip = options.initial_state == "each", options.delay[1]
    if sequence is None:
        if has_each and initial_state is None:
            detail = "each sequence of the fit has its own initial state"
            raise ValueError(f"{detail}: give one (initial_state), or continue one (continue)")
        past, targets, n_missing = inputs[0][:0], np.zeros(0), model.delay
    else:
        rows = series.rows(sequence)
        past, targets = series.inputs[rows][skip - model.delay :], series.targets[rows]
        if len(targets) < skip or (has_each and np.isnan(targets[skip:]).all()):
            raise ValueError("the state of the sequence is unknown")
        targets, n_missing, initial_state = targets[skip:], 0, None
    predictions = []
    for steps in inputs:
        n_steps = max(len(steps) - n_missing, 0)
        path = np.concatenate([past, steps])[: len(targets) + n_steps]
        known = np.concatenate([targets, np.full(n_steps, np.nan)])
        bands = predict_bands(region, problem.normalize(*pad([path], [known])), initial_state)
        missing = np.full((len(bands), len(steps) - n_steps), np.nan)
        fields = np.concatenate([missing, bands[:, 0, len(targets) : len(path)]], axis=1)
        predictions.append(Prediction(*fields))
    return predictions


def predict_bands(
    region: Region, sequences: Sequences, initial_state: float | None = None
) -> Array:
    """Return the fields of a `Prediction` for sequences, (5, N, T).

    If every sequence has its own initial state, its targets determine it.
    """
    problem, steps = region.problem, np.arange(sequences.targets.shape[1], dtype=np.float64)

    def quantity(w: Array, sequences: Sequences) -> tuple[Array, float]:
        blank = replace(sequences, targets=np.zeros_like(sequences.targets))
        # Without targets, the rest of them is minus what a known initial state contributes.
        factors = make_columns(problem, w[:, 0, 0], blank)
        if problem.has_unknown_start and not problem.has_own_starts:
            # A new sequence may start before the impulse.
            factors[..., -2] = w ** (steps - problem.first_step)
        if initial_state is not None:
            factors[..., -1] = -initial_state / problem.unit * w ** (steps + 1.0)
            if problem.has_unknown_start:
                factors[..., -2] = 0.0
                if problem.options.offset:
                    factors[..., -3] = 1.0 / (1.0 - w)
        return factors, problem.unit

    mean, low, high = region.estimate(quantity, sequences) + problem.center
    rho, excess = problem.rho or 0.0, max(region.level - float(region.best.cost[0]), 0.0)
    noise = math.sqrt(problem.n_targets * excess / (1.0 - rho * rho))  # of a new observation
    with np.errstate(invalid="ignore"):  # where the mean is infinite
        down, up = np.hypot(mean - low, noise), np.hypot(high - mean, noise)
        return np.stack([mean, low, high, mean - down, mean + up])
