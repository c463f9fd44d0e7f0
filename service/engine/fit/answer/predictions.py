"""Predictions: of new sequences, of the continuation of fitted ones, and at every fitted step."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.fit.model import FitProblem, Sequences, respond, spread
from service.engine.fit.solve import Points, Quantity, Solution, estimate, evaluate
from service.engine.types import Array


class Prediction(NamedTuple):
    """A predicted sequence (T,).

    If the fit has an unknown start, the first steps of a new sequence are nan, up to the delay.
    """

    outputs: Array  # the mean
    low: Array  # the confidence band of the mean
    high: Array
    new_low: Array  # the band of a new observation, with its noise
    new_high: Array


class Past(NamedTuple):
    """The steps before the predicted ones."""

    inputs: Array  # (n, q), as many as act on the steps of the targets and on the first ones after
    targets: Array  # nan where there is none
    sizes: Array  # of the errors
    n_missing: int  # the first predicted steps, whose inputs were before the record
    first_step: int  # the step of the sequence, from 0, of the first target
    initial_state: float | None  # of a new sequence; None for that of the fit

    def lay_out(self, problem: FitProblem, steps: Array) -> Sequences:
        """Return the past and the steps after it, with inputs (T, q), as one sequence."""
        n_steps = max(len(steps) - self.n_missing, 0)
        inputs = np.concatenate([self.inputs, steps])[: len(self.targets) + n_steps]
        targets = np.concatenate([self.targets, np.full(n_steps, np.nan)])
        sizes = np.concatenate([self.sizes, np.ones(n_steps)])
        return problem.normalize(inputs[None], targets[None], self.first_step, sizes[None])


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
    past = find_past(problem, sequence, initial_state)
    rows = map(problem.add_squares, inputs)
    return [_predict_steps(solution, steps, past) for steps in rows]


def find_past(problem: FitProblem, sequence: int | None, initial_state: float | None) -> Past:
    """Return the steps before predictions.

    Parameters
    ----------
    problem
        The data of the fit.
    sequence
        The index of the fitted sequence that is continued; None for new ones.
    initial_state
        The state before new sequences; None for that of the fit.

    Returns
    -------
    Past
        Without steps for new sequences.

    Raises
    ------
    ValueError
        The initial state is unknown.
    """
    has_each = problem.has_unknown_start and problem.options.initial_state == "each"
    if problem.unknowns.n_states > 1 and initial_state:
        raise ValueError("with several time constants, the initial state can only be 0")
    if sequence is not None:
        return _find_record(problem, sequence)
    if problem.unknowns.has_own_offsets:
        raise ValueError("each sequence of the fit has its own offset: continue one (continue)")
    if has_each and initial_state is None:
        detail = "each sequence of the fit has its own initial state"
        raise ValueError(f"{detail}: give one (initial_state), or continue one (continue)")
    # Before a given start, the inputs are 0.
    n_missing = problem.delay if problem.starts_late else 0
    rest = np.zeros((problem.delay - n_missing, len(problem.is_free)))
    return Past(rest, np.zeros(0), np.zeros(0), n_missing, n_missing, initial_state)


def _find_record(problem: FitProblem, sequence: int) -> Past:
    """Return a fitted sequence; raises ValueError if its state is unknown."""
    series = problem.series
    rows = series.rows(sequence)
    targets = series.targets[rows][problem.skip :]
    has_own = problem.options.initial_state == "each" or problem.unknowns.has_own_offsets
    is_blank = has_own and bool(np.isnan(targets).all())
    if series.lengths[sequence] < problem.skip or is_blank:
        raise ValueError("the state of the sequence is unknown")
    inputs = series.inputs[rows]
    if problem.starts_late:
        inputs = inputs[problem.skip - problem.delay :]
    else:
        inputs = np.concatenate([np.zeros((problem.delay, inputs.shape[1])), inputs])
    sizes = np.ones(len(targets))
    if problem.sizes.of_steps is not None:
        sizes = problem.sizes.of_steps[sequence, : len(targets)]
    return Past(inputs, targets, sizes, 0, problem.skip, None)


def _predict_steps(solution: Solution, steps: Array, past: Past) -> Prediction:
    """Return the prediction for inputs (T, q) after those of the past."""
    n_past = len(past.targets)
    sequences = past.lay_out(solution.problem, steps)
    bands = predict_bands(solution, sequences, past.initial_state, n_past)[:, 0, n_past:]
    missing = np.full((len(bands), len(steps) - bands.shape[1]), np.nan)
    return Prediction(*np.concatenate([missing, bands], axis=1))


def predict_bands(
    solution: Solution, sequences: Sequences, initial_state: float | None, first_new: int | None
) -> Array:
    """Return the fields of a `Prediction` for sequences.

    Parameters
    ----------
    solution
        The fit.
    sequences
        N sequences. If each has its own initial state, its targets determine it.
    initial_state
        The state before all sequences; None for that of the fit.
    first_new
        The step of a single sequence from which on the noise continues that of the last target;
        None for predictions without noise.

    Returns
    -------
    bands : (5, N, T)
        The means, then the ends of both bands.
    """
    problem = solution.problem
    mean, lead, sizes = weigh_means(solution, sequences, initial_state, first_new)
    outputs, low, high = estimate(solution, mean, sequences) + problem.center
    slack = solution.find_slack(solution.best) / solution.variance_ratio
    noise = problem.unit * np.sqrt(slack) * spread(solution.rho, lead) * sizes
    with np.errstate(invalid="ignore"):  # where the mean is infinite
        new_low = outputs - np.hypot(outputs - low, noise)
        new_high = outputs + np.hypot(high - outputs, noise)
        return np.stack([outputs, low, high, new_low, new_high])


def weigh_means(
    solution: Solution, sequences: Sequences, initial_state: float | None, first_new: int | None
) -> tuple[Quantity, Array, Array]:
    """Return the means of `predict_bands` as a quantity, and what the noise depends on.

    Parameters
    ----------
    solution
        The fit.
    sequences, initial_state, first_new
        Those of `predict_bands`.

    Returns
    -------
    mean : Quantity
        A number per step, minus the center of the targets.
    lead : (T,)
        The steps since the last target, which noise may follow.
    sizes : (N, T)
        Of the errors.
    """
    problem = solution.problem
    steps = np.arange(sequences.targets.shape[1], dtype=np.float64)
    lead = np.full(len(steps), np.inf)
    last = sequences.step[-1:]
    if first_new is not None and len(last):
        lead[first_new:] = steps[first_new:] - last

    def find_factors(at: Points, sequences: Sequences) -> tuple[Array, float]:
        factors = respond(problem.unknowns, at.poles, sequences.sources)
        if initial_state is not None:
            _replace_start(problem, factors, at.poles, steps, initial_state)
        elif problem.unknowns.columns.n_starts == 1 and not problem.unknowns.has_own_starts:
            # A new sequence may start before the impulse.
            powers = at.w[:, None, None] ** (steps - problem.padded.first_step)
            factors[..., problem.unknowns.columns.starts] = powers[..., None]
        return factors, problem.unit

    sizes = np.ones(sequences.targets.shape)
    if problem.fitted is not None:
        sizes = problem.sizes.find(evaluate(solution, find_factors, sequences) + problem.center)

    def mean(at: Points, sequences: Sequences) -> tuple[Array, float]:
        factors, unit = find_factors(at, sequences)
        if np.isfinite(lead).any():
            shares = at.rho[:, None, None] ** lead * sizes / sizes[:, last]
            factors = _continue_noise(problem, factors, shares, sequences, last)
        return factors, unit

    return mean, lead, sizes


def list_steps(problem: FitProblem) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of the table of a fit, starting with the first target of each sequence.

    Parameters
    ----------
    problem
        The data.

    Returns
    -------
    sequences, steps : (R,)
        Both from 0; the steps are those in use.
    """
    has_target = problem.sequences.has_target
    first = np.argmax(has_target, axis=1)
    ends = np.where(has_target.any(axis=1), problem.padded.lengths, 0)
    step = np.arange(has_target.shape[1])
    sequences, steps = np.nonzero((step >= first[:, None]) & (step < ends[:, None]))
    return sequences, steps


def _replace_start(
    problem: FitProblem, factors: Array, poles: Array, steps: Array, initial_state: float
) -> None:
    """Put a given state before all sequences into the factors of means, instead of the fit's."""
    order = problem.unknowns.columns
    change = initial_state / problem.unit - problem.unknowns.start
    if change != 0.0:
        w = poles[:, :1, None, None]
        factors[..., order.rest] -= change * w ** (steps[:, None] + 1.0)
    factors[..., order.starts] = 0.0
    if problem.has_unknown_start:
        gap = np.prod(1.0 - poles, axis=1)
        factors[..., order.offset] = 1.0 / gap[:, None, None, None]


def _continue_noise(
    problem: FitProblem,
    factors: Array,
    shares: Array,
    sequences: Sequences,
    last: NDArray[np.intp],
) -> Array:
    """Return the factors of means to which shares (W, 1, T) of the last residual are added."""
    residual = factors[:, :, last]
    residual[..., problem.unknowns.columns.rest] += sequences.targets[:, last, None]
    return np.asarray(factors - shares[..., None] * residual)
