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


class Predictor:
    """Predicts with a fit that was made before.

    Parameters
    ----------
    series, options, model
        Those of the fit.
    """

    def __init__(self, series: Series, options: FitOptions, model: FittedModel) -> None:
        problem = Problem.from_series(series, options, model.delay).with_rho(model.rho)
        self.series, self.skip, self.delay = series, options.delay[1], model.delay
        self.region = Region.around(
            ReducedCost(problem),
            model.w_rec,
            model.degrees_of_freedom,
            options.confidence,
            lambda _: model.intervals,
        )

    def continue_sequence(self, sequence: int, inputs: Array) -> Prediction:
        """Predict what follows a sequence of the series.

        Parameters
        ----------
        sequence
            Its index.
        inputs : (T, q)
            The inputs of the predicted steps.

        Raises
        ------
        ValueError
            The state is unknown: the sequence is shorter than the delay, or has no targets.
        """
        sequences = self.region.reduced_cost.sequences
        rows = np.flatnonzero(self.region.reduced_cost.problem.members == sequence)
        n_before = len(self.series.targets[sequence]) - self.skip
        has_own = self.region.reduced_cost.problem.initial_state == "each"
        if n_before < 0 or (has_own and not len(rows)):
            raise ValueError("the state of the sequence is unknown")
        past = self.series.inputs[sequence][self.skip - self.delay :]
        path = np.concatenate([past, inputs])[: n_before + len(inputs)]
        fitted = sequences[rows if len(rows) else slice(1)]
        return self._predict(fitted, path, n_before, None)

    def start_sequence(self, inputs: Array, initial_state: float | None = None) -> Prediction:
        """Predict a new sequence.

        Parameters
        ----------
        inputs : (T, q)
        initial_state
            None for that of the fit.

        Raises
        ------
        ValueError
            The fit has an initial state per sequence, and none is given.
        """
        problem = self.region.reduced_cost.problem
        if problem.initial_state == "each" and initial_state is None:
            detail = "each sequence of the fit has its own initial state"
            raise ValueError(f"{detail}: give one (initial_state), or continue one (continue)")
        path = inputs[: max(0, len(inputs) - self.delay)]
        fitted = self.region.reduced_cost.sequences[:1]
        prediction = self._predict(fitted, path, 0, initial_state)
        missing = np.full(len(inputs) - len(path), np.nan)
        return Prediction(*(np.concatenate([missing, x]) for x in vars(prediction).values()))

    def _predict(
        self, fitted: Sequences, path: Array, n_before: int, initial_state: float | None
    ) -> Prediction:
        reduced_cost = self.region.reduced_cost
        scaled = np.zeros((1, max(1, len(path)), path.shape[1]))
        scaled[0, : len(path)] = path / reduced_cost.input_units
        steps = np.arange(n_before, len(path))
        mean, low, high = _predict(self.region, fitted, scaled, steps, initial_state)[:, 0]
        noise = self.region.new_error * reduced_cost.unit
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
        values = reduced_cost.columns(at.w, path, steps)
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
