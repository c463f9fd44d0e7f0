"""Predictions with profile bands, for fitted sequences, their continuations and new ones."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from service.engine.data import Series
from service.engine.fit.problem import FitOptions, Problem, Sequences, pad
from service.engine.fit.reduced_cost import make_columns
from service.engine.fit.uncertainty import FittedModel, Region
from service.engine.types import Array


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
        past, targets = series.inputs[sequence][skip - model.delay :], series.targets[sequence]
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
