"""Checks of the residuals of a fit: one statistic each."""

import math
from collections.abc import Sequence

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.findings import Finding, Joint
from service.engine.fit.judge.residuals import Residuals
from service.engine.fit.model import recur
from service.engine.fit.solve import Linear, solve
from service.engine.types import Array


def follow_inputs(residuals: Residuals) -> Joint | None:
    """Correlate residuals with earlier inputs."""
    delay = residuals.solution.problem.delay
    lags = range(-min(delay, 2), constants.MAX_INPUT_LAG + 1)
    return _correlate_inputs(residuals, "follow_inputs", lags, constants.RESPONSE_POLES)


def precede_inputs(residuals: Residuals) -> Joint | None:
    """Correlate residuals with later inputs."""
    delay = residuals.solution.problem.delay
    return _correlate_inputs(residuals, "feedback", range(-delay - 2, -delay), ())


def find_outliers(residuals: Residuals) -> Joint:
    """Compare the largest residuals."""
    largest = residuals.compare(lambda u: np.max(np.abs(u), axis=0))
    return Joint(Finding("outliers", value=float(largest[0])), largest)


def correlate_neighbors(residuals: Residuals) -> Joint | None:
    """Correlate successive targets, whatever the gap between them."""
    return _correlate_successive(residuals, "neighbors", 1.0)


def find_alternation(residuals: Residuals) -> Joint | None:
    """Correlate successive targets, whose residuals may alternate."""
    return _correlate_successive(residuals, "alternate", -1.0)


def _correlate_successive(residuals: Residuals, slug: str, sign: float) -> Joint | None:
    n = len(residuals.values)
    inner = np.flatnonzero(~residuals.linearization.sequences.is_first)
    r = residuals.compare(lambda u: np.sum(u[inner] * u[inner - 1], axis=0) / n)
    least = constants.EXPLAINED_RTOL / math.sqrt(n)
    if float(np.std(r[1:])) <= least:  # the fit determines it
        return None
    return Joint(Finding(slug, value=float(r[0] - np.median(r[1:]))), sign * r)


def correlate_seasons(residuals: Residuals) -> Joint | None:
    """Correlate residuals that are 2 or more slots of the usual gap apart."""
    sequences = residuals.linearization.sequences
    hops = np.maximum(np.round(sequences.gaps / sequences.usual_gap), 1.0)
    total = np.cumsum(np.where(sequences.is_first, 0.0, hops)).astype(np.intp)
    slots = total - np.maximum.accumulate(np.where(sequences.is_first, total, 0))
    n_slots = int(slots.max()) + 1
    lags = range(2, min(constants.MAX_SEASON, n_slots // 4) + 1)
    if not lags:
        return None

    def correlate(u: Array) -> Array:
        padded = np.zeros((len(sequences.targets), n_slots, u.shape[1]))
        padded[sequences.sequence, slots] = u
        pairs = ((padded[:, lag:], padded[:, :-lag]) for lag in lags)
        return np.stack([np.einsum("ntb,ntb->b", *pair) for pair in pairs])

    sums = residuals.compare(correlate)
    deviations = sums[:, 1:].std(axis=1, keepdims=True)
    scores = np.zeros_like(sums)
    centered = sums - sums[:, 1:].mean(axis=1, keepdims=True)
    np.divide(centered, deviations, out=scores, where=deviations > 0.0)
    best = int(np.argmax(sums[:, 0]))  # where the residuals correlate most
    n_steps = lags[best] * round(sequences.usual_gap)
    finding = Finding("season", lag=n_steps, value=float(sums[best, 0] / len(slots)))
    return Joint(finding, np.abs(scores).max(axis=0))


def _correlate_inputs(
    residuals: Residuals, slug: str, lags: range, poles: Sequence[float]
) -> Joint | None:
    """Correlate residuals with inputs that act some steps earlier than fitted, or later.

    A further time constant spreads over many lags, which the responses with other poles unite.
    """
    linearization = residuals.linearization
    problem = linearization.problem
    sequences = linearization.sequences
    max_lag = max(abs(lag) for lag in lags)
    longest = int(sequences.step.max()) + 1
    padded = np.pad(sequences.inputs, ((0, 0), (max_lag, max_lag), (0, 0)))
    lags = range(lags.start, min(lags.stop, max(2, longest // 5) + 1))
    at = sequences.step + max_lag
    scores = [residuals.score(padded[sequences.sequence, at - lag]) for lag in lags]
    observed = np.array(scores)[..., 0]
    if not observed.any():
        return None
    best, j = np.unravel_index(np.argmax(observed), observed.shape)
    value = float(observed[best, j]) / math.sqrt(len(at))
    finding = Finding(slug, problem.series.input_names[j], abs(lags[best] + problem.delay), value)
    responses = (recur(pole, sequences.inputs) for pole in poles)
    scores += [residuals.score(response[sequences.has_target]) for response in responses]
    return Joint(finding, np.max(scores, axis=(0, 1)))


def correlate_squares(residuals: Residuals) -> Joint | None:
    """Correlate residuals with the squares of inputs, filtered as the inputs are."""
    problem = residuals.linearization.problem
    sequences = problem.sequences
    names = problem.record.input_names
    used = slice(len(names))
    centers = problem.centers / problem.input_units[used]
    squares = (sequences.inputs[..., used] - centers) ** 2
    responses = recur(residuals.linearization.w_rec, squares)
    scores = residuals.score(responses[sequences.has_target])
    if not scores[:, 0].any():
        return None
    j = int(np.argmax(scores[:, 0]))
    value = float(scores[j, 0]) / math.sqrt(len(residuals.values))
    return Joint(Finding("curved", names[j], value=value), scores.max(axis=0))


def compare_shapes(residuals: Residuals) -> Joint | None:
    """Average the residuals of all sequences at the same steps since their starts."""
    problem = residuals.linearization.problem
    sequences = residuals.linearization.sequences
    since = sequences.step - np.argmax(sequences.has_target, axis=1)[sequences.sequence]
    counts = np.bincount(since)
    has_each = problem.options.initial_state == "each"
    if not has_each or len(sequences.edges) < 3 or np.count_nonzero(counts > 2) <= 3:
        return None

    def add(u: Array) -> Array:
        sums = np.zeros((len(counts), u.shape[1]))
        np.add.at(sums, since, u)
        return sums

    shape = residuals.compare(add) / np.sqrt(np.maximum(counts, 1))[:, None]
    values = np.sum(shape**2, axis=0)
    lag = int(np.argmax(np.abs(shape[:, 0])))
    return Joint(Finding("same_shape", lag=lag, value=float(values[0] / len(since))), values)


def correlate_sizes(residuals: Residuals) -> Joint | None:
    """Correlate the sizes of residuals with the fitted values."""
    linearization = residuals.linearization
    sequences = linearization.sequences
    noise = sequences.color(linearization.observed, linearization.rho) * sequences.scales
    level = sequences.targets[sequences.has_target] - noise[:, 0]
    level = level - level.mean()
    norm = float(np.linalg.norm(level))
    if norm <= constants.RANK_RTOL * math.sqrt(len(level)):
        return None

    def correlate(u: Array) -> Array:
        sizes = np.abs(u)
        sizes -= sizes.mean(axis=0)
        deviations = np.maximum(np.linalg.norm(sizes, axis=0), constants.TINY)
        return np.asarray(level / norm @ sizes / deviations)

    r = residuals.compare(correlate)
    return Joint(Finding("spread", value=float(r[0])), np.abs(r - np.median(r[1:])))


def compare_noise_models(residuals: Residuals) -> Joint | None:
    """Compare the w_rec of white and of ar1 noise, linearized.

    It is the test of J. A. Hausman, "Specification tests in econometrics", Econometrica 46 (1978),
    1251-1271.
    """
    linearization = residuals.linearization
    rho = linearization.rho
    if rho == 0.0 or linearization.problem.n_poles != 1:
        return None
    white = _estimate_change(solve(linearization.rows, np.zeros(1)))
    fitted = _estimate_change(linearization.fitted)
    factors = linearization.sequences.color_transposed(white, rho) - fitted
    change = np.abs(factors @ residuals.innovations)
    return Joint(Finding("noise_model_matters", value=float(change[0]) * residuals.scale), change)


def _estimate_change(linear: Linear) -> Array:
    """Return the factors (n,) of residuals in the change of w_rec that they cause."""
    squared = max(float(linear.sensitivity[0, 0]) ** 2, constants.TINY)
    return np.asarray(linear.unexplained[0, :, 0] / squared)
