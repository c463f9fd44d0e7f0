"""Checks of residuals: one mechanism for all.

Each statistic of the whitened residuals is compared with that of simulated ones: white vectors that
are projected as the residuals are, onto the complement of what was fitted. The seed is fixed, so a
fit always has the same verdict. A check is found if the smallest of all p-values is small among the
smallest of the simulated vectors, which accounts for the number of checks.
"""

import math
from typing import Final, NamedTuple

import numpy as np

from service.engine.fit.noise import (
    IMAGINARY_STEP,
    color,
    find_shares,
    make_rows,
    number_sequences,
    remove_starts,
    split_starts,
    spread,
    whiten,
)
from service.engine.fit.solution import RANK_RTOL, Solution
from service.engine.interruption import check_interruption
from service.engine.types import Array

ALPHA: Final = 0.03  # the level of all checks together
CAUTIONS: Final = ("feedback", "outliers", "alternate")
CAUTION_ALPHA: Final = 0.01  # the level of each check that is only a caution
NEIGHBORS_SHARE: Final = 3.0  # how much more often than others the check of neighbors may alarm
SIMULATED_NUMBERS: Final = 1_000_000  # about the most that are simulated
SIMULATIONS: Final = 39, 399  # the fewest and the most simulated vectors
MAX_INPUT_LAG: Final = 10
MAX_SEASON: Final = 60
SEED: Final = 1
# Input lags and means of which less is left are explained by the fit.
EXPLAINED_RTOL: Final = 1e-3


class Statistic(NamedTuple):
    """A check of the observed residuals, and of the simulated ones."""

    values: Array  # (B + 1,) the observed one first
    value: float  # the size of what was found
    input: str | None = None
    lag: int | None = None  # in steps


class Check(NamedTuple):
    """A check that found something."""

    slug: str
    input: str | None  # the name of the input that it concerns
    lag: int | None  # in steps
    value: float  # the size of what was found
    p: float


class Linearization:
    """The fit in the space of whitened residuals, near its optimum, in the units of the problem.

    Attributes
    ----------
    residuals : (n, 1)
        Before whitening, at the targets in order of sequences and steps.
    mean : (n,)
        The fit at the targets.
    columns : (n, K + 1)
        One per weight but those of own starts, and the slope of the mean by w_rec.
    start : (n, 1)
        The response to its start of each sequence; zeros unless these are separate unknowns.
    """

    def __init__(self, solution: Solution) -> None:
        self.solution, self.problem, self.rho = solution, solution.problem, solution.rho
        problem, at, sequences = self.problem, solution.best, solution.problem.sequences
        self.sequence, self.step = np.nonzero(sequences.has_target)
        self.gaps = sequences.gaps
        self.is_first, self.member = np.isinf(self.gaps), number_sequences(self.gaps)
        self.edges = np.flatnonzero(self.is_first)
        rows = make_rows(problem, at.w + IMAGINARY_STEP * 1j, sequences)[0]
        start = np.zeros((len(rows), 1), complex)
        if problem.has_own_starts:
            start, rows = split_starts(rows)
        theta, self.start = at.theta[0][:, None], start.real
        residuals, change = -rows.real @ theta, rows.imag / IMAGINARY_STEP @ theta
        if problem.has_own_starts:
            share, _ = find_shares(self.whiten(self.start), self.whiten(residuals), self.gaps)
            residuals = residuals - self.start * share[self.member]
            change = change + start.imag / IMAGINARY_STEP * share[self.member]
        self.residuals = residuals
        self.mean = sequences.targets[sequences.has_target] - residuals[:, 0]
        self.slope_norm = float(np.linalg.norm(change)) or 1.0
        self.columns = np.column_stack([rows.real[:, :-1], change / self.slope_norm])
        self.white_columns = self._without_starts(self.whiten(self.columns))
        sizes = np.linalg.norm(self.white_columns, axis=0)
        self.sizes = np.where(sizes > 0.0, sizes, 1.0)
        left, s, self._right = np.linalg.svd(self.white_columns / self.sizes, full_matrices=False)
        self._basis, self._s = left[:, s > RANK_RTOL], s

    def whiten(self, noise: Array) -> Array:
        """Return the innovations of noise (n, m)."""
        return whiten(noise, self.gaps, self.rho)

    def color(self, innovations: Array) -> Array:
        """Return the noise of innovations (n, m)."""
        return color(innovations, self.problem.sequences, self.rho)

    def project(self, innovations: Array) -> Array:
        """Return the part of innovations (n, m) that no unknown but rho explains."""
        rest = self._without_starts(innovations)
        result: Array = rest - self._basis @ (self._basis.T @ rest)
        return result

    def project_slope(self, *, is_white: bool) -> Array:
        """Return the row (n,) by which residuals would change w_rec, in units of the slope.

        It is that of a fit with white noise, or of the fit itself, of which innovations are needed.
        """
        columns = self.white_columns
        if is_white:
            columns = self.columns
            if self.problem.has_own_starts:
                columns = remove_starts(self.start, columns, self.gaps)
        sizes = np.linalg.norm(columns, axis=0)
        others = columns[:, :-1] / np.where(sizes > 0.0, sizes, 1.0)[:-1]
        left, s, _ = np.linalg.svd(others, full_matrices=False)
        left = left[:, s > RANK_RTOL]
        slope = columns[:, -1] - left @ (left.T @ columns[:, -1])
        row: Array = slope / max(float(slope @ slope), 1e-300)
        return row

    def test_inputs(self) -> Array:
        """Return the p-value of each free input given all other unknowns, by a t test."""
        from scipy.special import stdtr  # noqa: PLC0415 - takes long to import

        n_free, n_inputs = self.solution.degrees_of_freedom, self.problem.n_free
        inverse = np.divide(1.0, self._s, out=np.zeros_like(self._s), where=self._s > RANK_RTOL)
        unknown = np.linalg.norm(self._right[self._s <= RANK_RTOL], axis=0) > EXPLAINED_RTOL
        errors = np.linalg.norm(inverse[:, None] * self._right, axis=0) / self.sizes
        variance = float(self.solution.best.squares[0]) / n_free
        errors = np.where(unknown, np.inf, errors * math.sqrt(variance))[:n_inputs]
        weights = np.abs(self.solution.best.theta[0][:n_inputs])
        ratios = np.divide(weights, errors, out=np.full(n_inputs, np.inf), where=errors > 0.0)
        result: Array = 2.0 * stdtr(n_free, -ratios)
        return result

    def _without_starts(self, innovations: Array) -> Array:
        if not self.problem.has_own_starts:
            return innovations
        return remove_starts(self.whiten(self.start), innovations, self.gaps)


class Residuals:
    """Observed and simulated residuals: whitened, projected, and scaled to a mean square of 1."""

    def __init__(self, fitted: Linearization) -> None:
        self.fitted, n = fitted, len(fitted.residuals)
        n_simulated = int(np.clip(SIMULATED_NUMBERS // n, *SIMULATIONS))
        drawn = np.random.default_rng(SEED).standard_normal((n, n_simulated))
        observed = fitted.whiten(fitted.residuals)
        self.scale = max(math.sqrt(float(np.mean(observed**2))), 1e-300)
        observed /= self.scale
        self.innovations = np.concatenate([observed, drawn], axis=1)
        projected = fitted.project(self.innovations)
        self.norms = np.linalg.norm(projected, axis=0)
        if fitted.solution.is_colored:
            projected = self._without_rho(projected)
        scale = np.sqrt(np.mean(projected**2, axis=0))
        self.values = projected / np.maximum(scale, 1e-300)

    def _without_rho(self, projected: Array) -> Array:
        """Take one Gauss-Newton step in rho for each vector."""
        fitted, rho = self.fitted, self.fitted.rho
        gaps = np.where(fitted.is_first, 1.0, fitted.gaps)
        before = np.roll(fitted.color(projected), 1, axis=0)
        before[fitted.is_first] = 0.0
        slope = (gaps * rho ** (gaps - 1.0) / spread(rho, gaps))[:, None] * before
        squares = np.sum(slope**2, axis=0)
        # Residuals that hardly depend on rho say nothing about it.
        depends = squares > EXPLAINED_RTOL**2 * np.sum(projected**2, axis=0)
        products = np.sum(projected * slope, axis=0)
        steps = np.divide(products, squares, out=np.zeros_like(squares), where=depends)
        result: Array = projected - slope * steps
        return result


def run_checks(solution: Solution) -> list[Check]:
    """Return the checks that found something, reasons before cautions."""
    residuals, delay = Residuals(Linearization(solution)), solution.problem.delay
    neighbors = _correlate_neighbors(residuals)
    statistics = {
        "follow_inputs": _follow_inputs(residuals, range(-min(delay, 2), MAX_INPUT_LAG + 1)),
        "same_shape": _compare_shapes(residuals),
        "season": _find_season(residuals),
        "noise_model_matters": _compare_noise_models(residuals),
        "spread": _relate_spread(residuals),
        "neighbors": neighbors,
        "feedback": _follow_inputs(residuals, range(-delay - 2, -delay)),
        "outliers": _find_outliers(residuals),
        "alternate": neighbors and neighbors._replace(values=-neighbors.values),
    }
    check_interruption()
    available = {slug: each for slug, each in statistics.items() if each is not None}
    ranks = {slug: _rank(each.values) for slug, each in available.items()}
    if neighbors is not None and not solution.is_colored:  # a fitted rho explains neighbors
        ranks["neighbors"] = ranks["neighbors"] / NEIGHBORS_SHARE
    least = np.min([p for slug, p in ranks.items() if slug not in CAUTIONS], axis=0, initial=1.0)
    critical = -1.0  # the p-value below which a check of one level for all has found something
    if float(np.mean(least <= least[0])) <= ALPHA:
        critical = float(np.quantile(least, ALPHA, method="lower"))
    return [
        Check(slug, each.input, each.lag, each.value, float(ranks[slug][0]))
        for slug, each in available.items()
        if ranks[slug][0] <= (CAUTION_ALPHA if slug in CAUTIONS else critical)
    ]


def _rank(values: Array) -> Array:
    """Return for each value how many of all are as large."""
    ranks: Array = 1.0 - np.searchsorted(np.sort(values), values, side="left") / len(values)
    return ranks


def _find_outliers(residuals: Residuals) -> Statistic:
    largest = np.max(np.abs(residuals.values), axis=0)
    return Statistic(largest, float(largest[0]))


def _correlate_neighbors(residuals: Residuals) -> Statistic | None:
    """Correlate successive targets, whatever the gap between them."""
    inner = np.flatnonzero(~residuals.fitted.is_first)
    if not len(inner):
        return None
    u = residuals.values
    r = np.sum(u[inner] * u[inner - 1], axis=0) / len(u)
    if float(np.std(r[1:])) <= EXPLAINED_RTOL / math.sqrt(len(u)):  # the fit determines it
        return None
    return Statistic(r, float(r[0] - np.median(r[1:])))


def _find_season(residuals: Residuals) -> Statistic | None:
    """Correlate residuals that are 2 or more slots of the usual gap apart."""
    fitted, u = residuals.fitted, residuals.values
    usual = fitted.solution.noise.usual_gap
    with np.errstate(invalid="ignore"):
        hops = np.where(fitted.is_first, 0.0, np.maximum(np.round(fitted.gaps / usual), 1.0))
    total = np.cumsum(hops).astype(np.intp)
    slots = total - total[fitted.edges][fitted.member]
    n_slots = int(slots.max()) + 1
    n_lags = min(MAX_SEASON, n_slots // 4)
    if n_lags < 2:
        return None
    # Sequences are so far apart that lags do not cross.
    places = fitted.member * (n_slots + n_lags) + slots
    size = int(places[-1]) + 1
    products = np.zeros((n_lags + 1, u.shape[1]))
    n_columns = max(1, SIMULATED_NUMBERS // size)
    for i in range(0, u.shape[1], n_columns):
        part = u[:, i : i + n_columns]
        padded = np.zeros((size, part.shape[1]))
        padded[places] = part
        for lag in range(2, n_lags + 1):
            products[lag, i : i + n_columns] = np.einsum("ij,ij->j", padded[lag:], padded[:-lag])
        check_interruption()
    sums = products[2:]
    deviations = sums[:, 1:].std(axis=1, keepdims=True)
    scores = sums - sums[:, 1:].mean(axis=1, keepdims=True)
    scores = np.divide(scores, deviations, out=np.zeros_like(sums), where=deviations > 0.0)
    lag = int(np.argmax(sums[:, 0])) + 2  # where the residuals resemble each other most
    value = float(products[lag, 0] / len(u))
    return Statistic(np.abs(scores).max(axis=0), value, lag=lag * round(usual))


def _follow_inputs(residuals: Residuals, lags: range) -> Statistic | None:
    """Relate residuals to inputs some steps earlier than those that act, or later."""
    fitted, problem = residuals.fitted, residuals.fitted.problem
    series, skip = problem.series, problem.options.delay[1]
    longest = int(np.max(fitted.step, initial=0)) + 1
    starts, ends = series.starts[:-1][fitted.sequence], series.starts[1:][fitted.sequence]
    rows = starts + skip + fitted.step - problem.delay
    best: Statistic | None = None
    for lag in lags:
        if lag > max(2, longest // 5):
            break
        at = rows - lag
        exists = (at >= starts) & (at < ends)
        inputs = series.inputs[np.clip(at, 0, len(series.inputs) - 1)] / problem.input_units
        columns = fitted.whiten(np.where(exists[:, None], inputs, 0.0))
        before = np.linalg.norm(columns, axis=0)
        columns = fitted.project(columns)
        norms = np.linalg.norm(columns, axis=0)
        used = np.flatnonzero(norms > EXPLAINED_RTOL * before)
        if not len(used):
            continue
        scores = np.abs((columns[:, used] / norms[used]).T @ residuals.values)
        i = int(np.argmax(scores[:, 0]))
        highest, value = scores.max(axis=0), float(scores[i, 0] / math.sqrt(len(columns)))
        other = Statistic(highest, value, series.input_names[used[i]], abs(lag + problem.delay))
        if best is None:
            best = other
        else:
            name = other if highest[0] > best.values[0] else best
            best = name._replace(values=np.maximum(best.values, highest))
    return best


def _compare_shapes(residuals: Residuals) -> Statistic | None:
    """Average the residuals of all sequences at the same steps since their starts."""
    fitted, u = residuals.fitted, residuals.values
    if len(fitted.edges) < 3 or fitted.problem.options.initial_state != "each":
        return None
    since = fitted.step - fitted.step[fitted.edges][fitted.member]
    counts = np.bincount(since)
    if np.count_nonzero(counts > 2) <= 3:
        return None
    order = np.argsort(since, kind="stable")
    cuts = np.flatnonzero(np.diff(since[order], prepend=-1))
    sizes = np.diff(np.append(cuts, len(u)))[:, None]
    shape = np.add.reduceat(u[order], cuts) / np.sqrt(sizes)
    values = np.sum(shape**2, axis=0)
    lag = int(since[order][cuts][np.argmax(np.abs(shape[:, 0]))])
    return Statistic(values, float(values[0] / len(u)), lag=lag)


def _relate_spread(residuals: Residuals) -> Statistic | None:
    """Correlate the sizes of residuals with the fit."""
    level = residuals.fitted.mean - residuals.fitted.mean.mean()
    norm = float(np.linalg.norm(level))
    if norm <= RANK_RTOL * math.sqrt(len(level)):
        return None
    sizes = np.abs(residuals.values)
    sizes = sizes - sizes.mean(axis=0)
    r = level / norm @ sizes / np.maximum(np.linalg.norm(sizes, axis=0), 1e-300)
    return Statistic(np.abs(r - np.median(r[1:])), float(r[0]))


def _compare_noise_models(residuals: Residuals) -> Statistic | None:
    """Compare the w_rec of white and of ar1 noise, linearized.

    It is the test of J. A. Hausman, "Specification tests in econometrics", Econometrica 46 (1978),
    1251-1271.
    """
    fitted = residuals.fitted
    if fitted.rho == 0.0:
        return None
    white, colored = (fitted.project_slope(is_white=is_white) for is_white in (True, False))
    noise = fitted.color(residuals.innovations)
    change = white @ noise - colored @ residuals.innovations
    values = np.abs(change) / np.maximum(residuals.norms, 1e-300)
    return Statistic(values, float(abs(change[0])) * residuals.scale / fitted.slope_norm)
