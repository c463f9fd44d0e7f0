"""Checks of the residuals of a fit: one mechanism for all.

Each statistic of the whitened residuals is compared with that of simulated ones: white vectors that
are projected as the residuals are, onto the complement of what was fitted. The seed is fixed, so a
fit always has the same verdict. A violation is detected if the smallest of all p-values is small
among the smallest of the simulated vectors, which accounts for the number of checks.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.changes import judge_change, scan_changes
from service.engine.fit.judge.leads import compare_feedback, judge_lead
from service.engine.fit.judge.periods import list_periods
from service.engine.fit.judge.residuals import Residuals, simulate_residuals
from service.engine.fit.model import FitProblem, recur
from service.engine.fit.solve import Linear, Solution, solve
from service.engine.types import Array


class Finding(NamedTuple):
    """A reason or a caution, with its details."""

    slug: str
    input: str | None = None  # the name of the input that it concerns
    lag: int | None = None  # in steps
    value: float = np.nan  # the size of the violation
    p: float = np.nan
    part: str | None = None  # what changes, or the extreme at which targets are


# The finding if it is significant, and the statistics (B + 1,), the observed one first; None
# where there is nothing to compare
Check: TypeAlias = tuple[Finding, Array] | None


def run_checks(solution: Solution) -> list[Finding]:
    """Return the violations that are detected, reasons before cautions.

    If the sizes of residuals depend on the fitted values, or may do so, the other checks are
    repeated with simulated residuals of the same sizes and with random signs.

    Parameters
    ----------
    solution
        A fit with residuals to judge.

    Returns
    -------
    findings
        With their p-values.
    """
    residuals = simulate_residuals(solution)
    special = _find_special_steps(residuals)
    found = _merge(_run(solution, residuals), special)
    is_free = solution.problem.options.variance == "free"
    if not is_free and all(finding.slug != "spread" for finding in found):
        return found
    of_sizes = [finding for finding in found if finding.slug in constants.OF_SIZES]
    residuals = simulate_residuals(solution, has_random_signs=True)
    return _merge(_run(solution, residuals), special) + of_sizes


def _merge(findings: list[Finding], special: list[Finding]) -> list[Finding]:
    """Return the findings, and those of special steps unless a season is detected anyway."""
    has_season = any(finding.slug == "season" for finding in findings)
    return findings if has_season else findings + special


def _run(solution: Solution, residuals: Residuals) -> list[Finding]:
    """Return the violations that are detected with these simulated residuals."""
    delay = solution.problem.delay
    earlier = range(-min(delay, 2), constants.MAX_INPUT_LAG + 1)
    later = range(-delay - 2, -delay)
    largest = residuals.compare(lambda u: np.max(np.abs(u), axis=0))
    checks = [
        _correlate_inputs(residuals, "follow_inputs", earlier, constants.RESPONSE_POLES),
        _correlate_squares(residuals),
        _compare_shapes(residuals),
        _find_season(residuals),
        _compare_noise_models(residuals),
        _correlate_sizes(residuals),
        _correlate_neighbors(residuals, "neighbors", 1.0),
        _correlate_inputs(residuals, "feedback", later, ()),
        (Finding("outliers", value=float(largest[0])), largest),
        _correlate_neighbors(residuals, "alternate", -1.0),
    ]
    available = [check for check in checks if check is not None]
    if residuals.has_random_signs:
        available = [check for check in available if check[0].slug not in constants.OF_SIZES]
    p_values = {finding.slug: _rank(statistics) for finding, statistics in available}
    if "neighbors" in p_values and not solution.is_colored:  # a fitted rho explains neighbors
        p_values["neighbors"] = p_values["neighbors"] / constants.NEIGHBORS_WEIGHT
    critical = _find_critical(p_values)
    levels = dict.fromkeys(constants.CAUTIONS, constants.CAUTION_ALPHA)
    findings = [finding._replace(p=float(p_values[finding.slug][0])) for finding, _ in available]
    found = [finding for finding in findings if finding.p <= levels.get(finding.slug, critical)]
    explained = [_explain_feedback(solution.problem, residuals, finding) for finding in found]
    return explained + _find_change(solution, residuals)


def find_rare(finding: Finding, statistics: Array) -> Finding | None:
    """Return a finding of a test by itself, outside the level of all checks.

    Parameters
    ----------
    finding
        The finding if it is significant.
    statistics : (B + 1,)
        The observed one, then the simulated ones.

    Returns
    -------
    Finding or None
        None if a simulated statistic is as large. Of fewer than ``CHECK_SIMULATIONS``, the observed
        one must be far from all.
    """
    observed, *_ = statistics.tolist()
    simulated = statistics[1:]
    size = (observed - float(simulated.mean())) / max(float(simulated.std()), constants.TINY)
    is_far = size >= constants.RARE_SIZE or len(simulated) >= constants.CHECK_SIMULATIONS
    if observed <= float(simulated.max()) or not is_far:
        return None
    value = size if math.isnan(finding.value) else finding.value
    return finding._replace(value=value, p=1.0 / len(statistics))


def _explain_feedback(problem: FitProblem, residuals: Residuals, finding: Finding) -> Finding:
    """Return a finding, with the size or the cause of a feedback."""
    if finding.slug != "feedback" or finding.input is None or finding.lag is None:
        return finding
    is_rare = finding.p <= 1.0 / residuals.values.shape[1]
    gain = judge_lead(problem, finding.input) if is_rare else 0.0
    if gain > constants.MIN_GAIN:
        return finding._replace(slug="leads", lag=1, value=gain)
    ratio = compare_feedback(residuals, finding.input, finding.lag + problem.delay)
    return finding._replace(value=ratio)


def _find_change(solution: Solution, residuals: Residuals) -> list[Finding]:
    """Return the finding of a change over the record, if there is one.

    A change looks like errors that persist. So those of an ar1 fit are also compared without their
    autocorrelation, and a change that is then found must fit better with it.
    """
    if solution.problem.n_states > 1:
        return []
    found = _scan(solution, residuals)
    if not found and solution.is_colored:
        has_signs = residuals.has_random_signs
        found = _scan(solution, simulate_residuals(solution, 0.0, has_random_signs=has_signs))
        found = found if _fits_better(solution, found[:1]) else []
    largest = found[:1]
    for other in found[1:]:
        is_similar = other.value > constants.SIMILAR_CHANGE * found[0].value
        if is_similar and "level" not in {found[0].part, other.part}:
            largest = [found[0]._replace(part="w_rec or the gain")]
    return largest


def _fits_better(solution: Solution, changes: list[Finding]) -> bool:
    """Return True if a fit with changes is clearly better, whatever its autocorrelation."""
    gains = [judge_change(solution, each.part or "", each.lag or 0) for each in changes]
    return sum(gains) > constants.HIDDEN_GAIN


def _scan(solution: Solution, residuals: Residuals) -> list[Finding]:
    """Return the changes that are significant by themselves, the largest first."""
    found = []
    for part, steps, scores in scan_changes(solution, residuals):
        statistics = scores.max(axis=0)
        value = float(statistics[0]) / math.sqrt(len(residuals.values))
        lag = steps[int(np.argmax(scores[:, 0]))]
        finding = Finding("changes", lag=lag, value=value, part=part)
        found.append(find_rare(finding, statistics))
    return sorted(filter(None, found), key=lambda finding: -finding.value)


def _rank(statistics: Array) -> Array:
    """Return the p-values (B + 1,): the fraction of all statistics that are at least as large."""
    return np.asarray(1.0 - np.searchsorted(np.sort(statistics), statistics) / len(statistics))


def _find_critical(p_values: dict[str, Array]) -> float:
    """Return the largest p-value of a violation; -1 if all checks together detect none."""
    of_reasons = [p for slug, p in p_values.items() if slug not in constants.CAUTIONS]
    if not of_reasons:
        return -1.0
    least = np.min(of_reasons, axis=0)
    if float(np.mean(least <= least[0])) > constants.CHECK_ALPHA:
        return -1.0
    return float(np.quantile(least, constants.CHECK_ALPHA, method="lower"))


def _correlate_neighbors(residuals: Residuals, slug: str, sign: float) -> Check:
    """Correlate successive targets, whatever the gap between them."""
    n = len(residuals.values)
    inner = np.flatnonzero(~residuals.linearization.sequences.is_first)
    r = residuals.compare(lambda u: np.sum(u[inner] * u[inner - 1], axis=0) / n)
    least = constants.EXPLAINED_RTOL / math.sqrt(n)
    if float(np.std(r[1:])) <= least:  # the fit determines it
        return None
    return Finding(slug, value=float(r[0] - np.median(r[1:]))), sign * r


def _find_season(residuals: Residuals) -> Check:
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
    return finding, np.abs(scores).max(axis=0)


def _find_special_steps(residuals: Residuals) -> list[Finding]:
    """Compare the residuals at each step of the longest usual period, such as those of holidays.

    Most of them must have the same sign, so that few outliers do not matter. Of three, all must.
    """
    problem = residuals.linearization.problem
    sequences = residuals.linearization.sequences
    periods = list_periods(problem)
    if not periods or problem.n_targets > constants.MANY_TARGETS:
        return []
    period = max(periods)
    phases = sequences.step % period
    order = np.argsort(phases, kind="stable")
    counts = np.bincount(phases, minlength=period)
    columns = np.arange(len(phases)) - np.repeat(np.cumsum(counts) - counts, counts)

    def add(u: Array) -> Array:
        table = np.full((period, int(counts.max()), u.shape[1]), np.inf)
        table[phases[order], columns] = u[order]
        table.sort(axis=1)
        rows = np.arange(period)
        quarter = np.maximum(counts - 1, 0) // 4
        low = table[rows, quarter]
        high = table[rows, np.maximum(counts - 1, 0) - quarter]
        least = np.maximum(np.maximum(low, -high), 0.0)
        return np.sqrt(counts)[:, None] * np.where(counts[:, None] > 2, least, 0.0)

    sizes = residuals.compare(add)
    value = float(sizes[:, 0].max()) / math.sqrt(len(phases))
    found = find_rare(Finding("season", lag=period, value=value), sizes.max(axis=0))
    return [] if found is None else [found]


def _correlate_inputs(
    residuals: Residuals, slug: str, lags: range, poles: Sequence[float]
) -> Check:
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
    return finding, np.max(scores, axis=(0, 1))


def _correlate_squares(residuals: Residuals) -> Check:
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
    return Finding("curved", names[j], value=value), scores.max(axis=0)


def _compare_shapes(residuals: Residuals) -> Check:
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
    return Finding("same_shape", lag=lag, value=float(values[0] / len(since))), values


def _correlate_sizes(residuals: Residuals) -> Check:
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
    return Finding("spread", value=float(r[0])), np.abs(r - np.median(r[1:]))


def _compare_noise_models(residuals: Residuals) -> Check:
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
    return Finding("noise_model_matters", value=float(change[0]) * residuals.scale), change


def _estimate_change(linear: Linear) -> Array:
    """Return the factors (n,) of residuals in the change of w_rec that they cause."""
    squared = max(float(linear.sensitivity[0, 0]) ** 2, constants.TINY)
    return np.asarray(linear.unexplained[0, :, 0] / squared)
