"""Predictions with profile bands, for fitted sequences, their continuations and new ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from service.engine.data import Series
from service.engine.fit.problem import FitOptions, Problem
from service.engine.fit.reduced_cost import Evaluation, ReducedCost
from service.engine.fit.search import Interval
from service.engine.fit.sequences import Sequences
from service.engine.fit.uncertainty import Region
from service.engine.types import Array


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedModel:
    """The parts of a fit from which predictions are made, with its series and options."""

    delay: int
    rho: float | None  # the autocorrelation of the noise; None for white noise
    w_rec: float
    intervals: list[Interval]  # the pieces of its interval, in order
    degrees_of_freedom: int  # targets minus unknowns; collinear ones count once


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
    problem = replace(Problem.from_series(series, options, model.delay), rho=model.rho)
    degrees_of_freedom, skip = model.degrees_of_freedom, options.delay[1]
    region = Region.around(
        ReducedCost(problem), model.w_rec, degrees_of_freedom, lambda _: model.intervals
    )
    fitted, has_each = region.reduced_cost.sequences, options.initial_state == "each"
    if sequence is None:
        if has_each and initial_state is None:
            detail = "each sequence of the fit has its own initial state"
            raise ValueError(f"{detail}: give one (initial_state), or continue one (continue)")
        fitted = replace(fitted, has_target=np.zeros_like(fitted.has_target))[:1]
        past, n_before, n_missing = np.zeros((0, len(series.input_names))), 0, model.delay
    else:
        rows = np.flatnonzero(problem.members == sequence) if has_each else np.array([0])
        past, n_before = series.inputs[sequence], len(series.targets[sequence]) - skip
        if n_before < 0 or not len(rows):
            raise ValueError("the state of the sequence is unknown")
        fitted, past, n_missing, initial_state = fitted[rows], past[skip - model.delay :], 0, None
    predictions = []
    for steps in inputs:
        missing = np.full((len(Prediction._fields), min(n_missing, len(steps))), np.nan)
        path = np.concatenate([past, steps])[: n_before + len(steps) - missing.shape[1]]
        bands = _predict_steps(region, fitted, path, initial_state)[:, n_before : len(path)]
        predictions.append(Prediction(*np.concatenate([missing, bands], axis=1)))
    return predictions


def _predict_steps(
    region: Region, fitted: Sequences, path: Array, initial_state: float | None
) -> Array:
    """Return the fields of a prediction for inputs (T, q), at T or more steps.

    If every sequence has its own initial state, the targets of ``fitted`` determine it.
    """
    reduced_cost, n_fitted = region.reduced_cost, fitted.targets.shape[1]
    n_steps = max(len(path), n_fitted)
    inputs = np.zeros((1, n_steps, path.shape[1]))
    inputs[0, : len(path)] = path / reduced_cost.input_units
    targets, has_target = np.zeros((1, n_steps)), np.zeros((1, n_steps), np.bool_)
    targets[:, :n_fitted], has_target[:, :n_fitted] = fitted.targets, fitted.has_target
    sequences = replace(fitted, inputs=inputs, targets=targets, has_target=has_target)
    mean, low, high = predict_means(region, sequences, initial_state)[:, 0]
    noise = region.new_error * reduced_cost.unit
    with np.errstate(invalid="ignore"):  # where the mean is infinite
        down, up = np.hypot(mean - low, noise), np.hypot(high - mean, noise)
        return np.stack([mean, low, high, mean - down, mean + up])


def predict_means(
    region: Region, sequences: Sequences, initial_state: float | None = None
) -> Array:
    """Return the means of sequences at all steps, and their bands, (3, N, T)."""
    reduced_cost = region.reduced_cost
    problem, steps = reduced_cost.problem, np.arange(sequences.targets.shape[1], dtype=np.float64)
    start = reduced_cost.start if initial_state is None else initial_state / reduced_cost.unit

    def quantity(at: Evaluation, sequences: Sequences) -> tuple[Array, Array | float, float]:
        w = at.w[:, None, None]
        factors = reduced_cost.columns(at.w, sequences)[..., :-1]
        if problem.has_unknown_start and initial_state is None:
            if not problem.has_own_starts:  # a new sequence may start before the impulse
                factors[..., -1] = w ** (steps - sequences.origin[0])
            return factors, 0.0, reduced_cost.unit
        if problem.has_unknown_start:
            factors[..., -1] = 0.0
            if problem.options.offset:
                factors[..., -2] = 1.0 / (1.0 - w)
        return factors, start * w ** (steps + 1.0), reduced_cost.unit

    return region.estimate(quantity, sequences) + reduced_cost.center
