"""Predictions with profile bands: of the fitted sequences, of what follows them, of new ones."""

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
    """What identifies a fit, besides its data and options.

    Attributes
    ----------
    rho
        The autocorrelation of the noise; None for white noise.
    intervals
        The pieces of the interval of w_rec, in order.
    degrees_of_freedom
        Targets minus unknowns; collinear ones count once.
    """

    delay: int
    rho: float | None
    w_rec: float
    intervals: list[Interval]
    degrees_of_freedom: int


class Prediction(NamedTuple):
    """A predicted sequence (T,).

    Attributes
    ----------
    outputs
        The mean; nan for the first steps of a new sequence, as many as the delay.
    low, high
        The confidence band of the mean.
    new_low, new_high
        The same of a new observation, with its noise.
    """

    outputs: Array
    low: Array
    high: Array
    new_low: Array
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
    """Predict new sequences, or what follows a fitted one.

    Parameters
    ----------
    series, options, model
        Those of the fit.
    inputs
        (T, q) for each prediction: the inputs of the predicted steps.
    sequence
        The index of the fitted sequence; None for new ones.
    initial_state
        That of new sequences; None for that of the fit.

    Raises
    ------
    ValueError
        The initial state is unknown.
    """
    problem = replace(Problem.from_series(series, options, model.delay), rho=model.rho)
    w_rec, degrees_of_freedom = model.w_rec, model.degrees_of_freedom
    region = Region.around(
        ReducedCost(problem), w_rec, degrees_of_freedom, lambda _: model.intervals
    )
    has_each = options.initial_state == "each"
    if sequence is None:
        if has_each and initial_state is None:
            raise ValueError("every sequence of the fit has an initial state of its own")
        fitted = region.reduced_cost.sequences[:1]
        fitted = replace(fitted, has_target=np.zeros_like(fitted.has_target))
        predictions = []
        for x in inputs:
            delay = min(model.delay, len(x))
            later = _predict_steps(region, fitted, x[: len(x) - delay], 0, initial_state)
            missing = np.full((len(Prediction._fields), delay), np.nan)
            predictions.append(Prediction(*np.concatenate([missing, later], axis=1)))
        return predictions
    rows = np.flatnonzero(problem.members == sequence) if has_each else np.array([0])
    skip = options.delay[1]
    n_before = len(series.targets[sequence]) - skip
    if n_before < 0 or not len(rows):
        raise ValueError("the state of the sequence is unknown")
    past, fitted = (
        series.inputs[sequence][skip - model.delay :],
        region.reduced_cost.sequences[rows],
    )
    paths = (np.concatenate([past, x])[: n_before + len(x)] for x in inputs)
    return [Prediction(*_predict_steps(region, fitted, path, n_before)) for path in paths]


def _predict_steps(
    region: Region, fitted: Sequences, path: Array, start: int, initial_state: float | None = None
) -> Array:
    """Return the fields of a prediction for inputs (T, q), from a step on.

    The targets of ``fitted`` determine the initial state, if there is one per sequence.
    """
    reduced_cost, n = region.reduced_cost, len(path)
    n_steps = max(n, fitted.targets.shape[1])
    inputs = np.zeros((1, n_steps, path.shape[1]))
    inputs[0, :n] = path / reduced_cost.input_units
    pad = ((0, 0), (0, n_steps - fitted.targets.shape[1]))
    targets = np.pad(fitted.targets, pad)
    sequences = replace(
        fitted, inputs=inputs, targets=targets, has_target=np.pad(fitted.has_target, pad)
    )
    mean, low, high = predict_means(region, sequences, initial_state)[:, 0, start:n]
    noise = region.new_error * reduced_cost.unit
    with np.errstate(invalid="ignore"):  # an infinite mean has no band
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
            if not problem.has_own_starts:  # a new sequence may begin before the impulse
                factors[..., -1] = w ** (steps - sequences.origin[0])
            return factors, 0.0, reduced_cost.unit
        if problem.has_unknown_start:
            factors[..., -1] = 0.0
            if problem.options.offset:
                factors[..., -2] = 1.0 / (1.0 - w)
        return factors, start * w ** (steps + 1.0), reduced_cost.unit

    return region.estimate(quantity, sequences) + reduced_cost.center
