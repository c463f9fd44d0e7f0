"""Predictions with profile bands: of the fitted sequences, of what follows them, of new ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.fit.problem import FitOptions, Problem
from service.engine.fit.reduced_cost import Evaluation, ReducedCost
from service.engine.fit.sequences import Sequences
from service.engine.fit.uncertainty import Region
from service.engine.types import Array


@dataclass(frozen=True)
class FittedModel:
    """What identifies a fit, besides its data and options; see `Fit`."""

    delay: int
    rho: float | None
    w_rec: float
    intervals: list[tuple[float, float]]
    degrees_of_freedom: int


@dataclass(frozen=True)
class Prediction:
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


def predict_fitted(region: Region, sequences: Sequences, steps: NDArray[np.intp]) -> Array:
    """Return the mean of fitted sequences at some steps, and its band, (3, N, len(steps))."""
    return _predict(region, sequences, sequences.inputs, steps, None)


def predict(
    series: Series,
    options: FitOptions,
    model: FittedModel,
    inputs: Array,
    *,
    sequence: int | None = None,
    initial_state: float | None = None,
) -> Prediction:
    """Predict what follows a sequence of the series, or a new sequence.

    Parameters
    ----------
    series, options, model
        Those of the fit.
    inputs : (T, q)
        The inputs of the predicted steps.
    sequence
        The index of the sequence to continue; None for a new one.
    initial_state
        That of a new sequence; None for that of the fit.

    Returns
    -------
    Prediction

    Raises
    ------
    ValueError
        The state is unknown: every sequence has its own, and this is a new one without a given
        state, or it has no targets; or the sequence is shorter than the delay.
    """
    problem = Problem.from_series(series, options, model.delay).with_rho(model.rho)
    reduced_cost, degrees = ReducedCost(problem), model.degrees_of_freedom
    region = Region.around(
        reduced_cost, model.w_rec, degrees, options.confidence, lambda _: model.intervals
    )
    skip, n_before = model.delay, 0
    if sequence is not None:
        skip, n_before = 0, len(series.targets[sequence]) - options.delay[1]
        past = series.inputs[sequence][options.delay[1] - model.delay :]
        inputs = np.concatenate([past, inputs])[: max(0, n_before + len(inputs))]
    rows = np.flatnonzero(problem.members == (-1 if sequence is None else sequence))
    is_own = problem.initial_state == "each" and initial_state is None
    if n_before < 0 or (is_own and not len(rows)):
        raise ValueError("the initial state is unknown")
    fitted = reduced_cost.sequences[rows if len(rows) else slice(1)]
    n_steps = max(0, len(inputs) - skip)
    path = np.zeros((1, max(1, n_steps), len(series.input_names)))
    path[0, :n_steps] = inputs[:n_steps] / reduced_cost.input_units
    band = _predict(region, fitted, path, np.arange(n_before, n_steps), initial_state)[:, 0]
    mean, low, high = np.pad(band, ((0, 0), (len(inputs) - n_steps, 0)), constant_values=np.nan)
    noise = region.new_error * reduced_cost.unit
    with np.errstate(invalid="ignore"):  # an infinite mean has no band
        down, up = np.hypot(mean - low, noise), np.hypot(high - mean, noise)
        return Prediction(mean, low, high, mean - down, mean + up)


def _predict(
    region: Region,
    fitted: Sequences,
    inputs: Array,
    steps: NDArray[np.intp],
    initial_state: float | None,
) -> Array:
    """Return the mean for scaled inputs (N, T, q) at some steps, and its band.

    Parameters
    ----------
    fitted
        The N sequences whose initial states hold, unless another is given.
    """
    reduced_cost, path = region.reduced_cost, Sequences.from_inputs(inputs, fitted.origin)
    problem, unit = reduced_cost.problem, reduced_cost.unit

    def linear(at: Evaluation) -> tuple[Array, Array]:
        w = at.w[:, None, None]
        values, _ = reduced_cost.columns(at.w, path, steps)
        factors, constant = values[..., :-1], -values[..., -1]
        if initial_state is not None:
            constant = initial_state / unit * w ** (steps + 1.0)
        if problem.has_unknown_start and initial_state is not None:
            factors[..., -1] = 0.0
            if problem.offset:
                factors[..., -2] = 1.0 / (1.0 - w)
        elif problem.has_unknown_start and not reduced_cost.has_own_starts:
            factors[..., -1] = w ** (steps - fitted.origin[0].astype(float))
        return factors, constant

    return unit * region.estimate(linear, fitted, n_numbers=path.n_numbers) + reduced_cost.center
