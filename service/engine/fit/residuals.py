"""The residuals of a fit, and simulated ones beside them: one mechanism for all checks.

Each statistic of the whitened residuals is compared with that of simulated ones: white vectors that
are projected as the residuals are, onto the complement of what was fitted. The seed is fixed, so a
fit always has the same verdict. A check is found if the smallest of all p-values is small among the
smallest of the simulated vectors, which accounts for the number of checks.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from service.engine.fit.criterion import Criterion, Points
from service.engine.fit.linear import RANK_RTOL, Linear, Rows
from service.engine.fit.sequences import recur, spread
from service.engine.fit.solution import TINY, Solution
from service.engine.interruption import check_interruption
from service.engine.types import Array

SEED: Final = 1
MIN_SIMULATIONS: Final = 39  # simulated vectors
# Columns, input lags and means of which less is left are explained by the fit.
EXPLAINED_RTOL: Final = 1e-3
ALPHA: Final = 0.03  # the level of all checks together
CAUTIONS: Final = ("feedback", "outliers", "alternate")
CAUTION_ALPHA: Final = 0.01  # the level of each check that is only a caution
NEIGHBORS_SHARE: Final = 3.0  # how much more often than others the check of neighbors may alarm
MANY_TARGETS: Final = 2500  # With more of them, fewer vectors are simulated.
SIMULATIONS: Final = 399  # the most simulated vectors
MAX_LAG: Final = 10  # of inputs
POLES: Final = (0.5, 0.8, 0.95, 0.99)  # of responses to inputs
MAX_SEASON: Final = 60


class Finding(NamedTuple):
    """A reason or a caution, and what is known about it."""

    slug: str
    input: str | None = None  # the name of the input that it concerns
    lag: int | None = None  # in steps
    value: float = np.nan  # the size of what was found
    p: float = np.nan


# What was found if it is significant, and the statistics (B + 1,), the observed one first; None
# where there is nothing to compare
Check: TypeAlias = tuple[Finding, Array] | None


def draw(n: int, n_simulations: int) -> Array:
    """Return simulated white noise of a fixed seed.

    Parameters
    ----------
    n
        The number of targets.
    n_simulations
        The number of vectors, which is lower for many targets.

    Returns
    -------
    noise : (n, B)
    """
    n_simulated = np.clip(n_simulations * MANY_TARGETS // n, MIN_SIMULATIONS, n_simulations)
    return np.random.default_rng(SEED).standard_normal((n, n_simulated))


class Linearization:
    """A fit in the space of whitened residuals, near one w_rec, in the units of the problem.

    Attributes
    ----------
    rows
        Those of the problem, in the order of the data.
    own
        The linear problem with the noise of the fit.
    observed : (n, 1)
        The whitened residuals.
    """

    def __init__(self, criterion: Criterion, at: Points) -> None:
        self.problem, self.degrees_of_freedom = criterion.problem, criterion.degrees_of_freedom
        self.rho = float(at.rho[0])
        self.sequences = self.problem.sequences
        self.rows = Rows(self.problem, at.w, has_order=True)
        self.own = Linear(self.rows, at.rho)
        self.observed = -self.own.residuals[0]
        slope = self.own.free[0] / max(float(self.own.sensitivity[0]), TINY)
        self._basis = np.concatenate([self.own.basis[0], slope], axis=1)

    def project(self, innovations: Array) -> Array:
        """Return the part of innovations that no unknown but rho explains.

        Parameters
        ----------
        innovations : (n, m)

        Returns
        -------
        rest : (n, m)
        """
        if self.problem.has_own_starts:
            innovations = self.sequences.remove_starts(self.own.starts[0], innovations)
        result: Array = innovations - self._basis @ (self._basis.T @ innovations)
        return result

    def test_inputs(self) -> Array:
        """Return the p-value of each free input given all other unknowns, by a t test.

        Returns
        -------
        p : (q,)
            Of the inputs without a known gain.
        """
        from scipy.special import stdtr  # noqa: PLC0415 - takes long to import

        own = self.own
        drift = own.drift / max(float(own.sensitivity[0]), TINY)
        errors = np.linalg.norm(np.append(own.inverse_factor[0], drift.T, axis=1), axis=1)
        errors *= math.sqrt(float(own.squares[0]) / self.degrees_of_freedom)
        hidden = np.linalg.norm(own.null_space[0], axis=1)
        errors[hidden > EXPLAINED_RTOL * hidden.max(initial=0.0)] = np.inf
        ratios = np.abs(own.theta[0]) / np.append(np.maximum(errors, TINY), 1.0)
        ratios = ratios[self.problem.free_columns]
        return np.asarray(2.0 * stdtr(self.degrees_of_freedom, -ratios))


class Residuals(Linearization):
    """Observed and simulated residuals: whitened, projected, and scaled to a mean square of 1.

    Attributes
    ----------
    innovations : (n, B + 1)
        Before the projection, whose results have norms of 1; the observed ones first.
    values : (n, B + 1)
        The residuals.
    scale
        The norm of the observed ones.
    """

    def __init__(self, solution: Solution) -> None:
        super().__init__(solution, solution.best)
        drawn = draw(len(self.observed), SIMULATIONS)
        innovations = np.concatenate([self.observed, drawn], axis=1)
        projected = self.project(innovations)
        norms = np.maximum(np.linalg.norm(projected, axis=0), TINY)
        self.innovations, self.scale = innovations / norms, float(norms[0])
        if solution.is_colored:
            projected = self._without_rho(projected)
        scale = np.sqrt(np.mean(projected**2, axis=0))
        self.values = projected / np.maximum(scale, TINY)

    def _without_rho(self, projected: Array) -> Array:
        """Take one Gauss-Newton step in rho for each vector."""
        sequences = self.sequences
        gaps = np.where(sequences.is_first, 0.0, sequences.gaps)[:, None]
        alone = sequences.color(projected, self.rho) / spread(self.rho, sequences.gaps)[:, None]
        slope = gaps * (alone - projected) / (self.rho or 1.0)  # of what it inherits, 0 at rho = 0
        squares = np.sum(slope**2, axis=0)
        # Residuals that hardly depend on rho say nothing about it.
        depends = squares > EXPLAINED_RTOL**2 * np.sum(projected**2, axis=0)
        products = np.sum(projected * slope, axis=0)
        steps = np.divide(products, squares, out=np.zeros_like(squares), where=depends)
        result: Array = projected - slope * steps
        return result


def run_checks(solution: Solution) -> list[Finding]:
    """Return the checks that found something, reasons before cautions."""
    residuals, delay = Residuals(solution), solution.problem.delay
    largest = np.max(np.abs(residuals.values), axis=0)
    checks = [
        _follow_inputs(residuals, "follow_inputs", range(-min(delay, 2), MAX_LAG + 1), POLES),
        _compare_shapes(residuals),
        _find_season(residuals),
        _compare_noise_models(residuals),
        _relate_spread(residuals),
        _correlate_neighbors(residuals, "neighbors", 1.0),
        _follow_inputs(residuals, "feedback", range(-delay - 2, -delay), ()),
        (Finding("outliers", value=float(largest[0])), largest),
        _correlate_neighbors(residuals, "alternate", -1.0),
    ]
    available = [check for check in checks if check is not None]
    ranks = {  # how many of all are as large
        finding.slug: 1.0 - np.searchsorted(np.sort(values), values) / len(values)
        for finding, values in available
    }
    if "neighbors" in ranks and not solution.is_colored:  # a fitted rho explains neighbors
        ranks["neighbors"] = ranks["neighbors"] / NEIGHBORS_SHARE
    least = np.min([p for slug, p in ranks.items() if slug not in CAUTIONS], axis=0, initial=1.0)
    critical = -1.0  # the p-value below which a check of one level for all has found something
    if float(np.mean(least <= least[0])) <= ALPHA:
        critical = float(np.quantile(least, ALPHA, method="lower"))
    return [
        finding._replace(p=float(ranks[finding.slug][0]))
        for finding, _ in available
        if ranks[finding.slug][0] <= (CAUTION_ALPHA if finding.slug in CAUTIONS else critical)
    ]


def _correlate_neighbors(residuals: Residuals, slug: str, sign: float) -> Check:
    """Correlate successive targets, whatever the gap between them."""
    u, inner = residuals.values, np.flatnonzero(~residuals.sequences.is_first)
    r = np.sum(u[inner] * u[inner - 1], axis=0) / len(u)
    if float(np.std(r[1:])) <= EXPLAINED_RTOL / math.sqrt(len(u)):  # the fit determines it
        return None
    return Finding(slug, value=float(r[0] - np.median(r[1:]))), sign * r


def _find_season(residuals: Residuals) -> Check:
    """Correlate residuals that are 2 or more slots of the usual gap apart."""
    u, sequences = residuals.values, residuals.sequences
    hops = np.maximum(np.round(sequences.gaps / sequences.usual_gap), 1.0)
    total = np.cumsum(np.where(sequences.is_first, 0.0, hops)).astype(np.intp)
    slots = total - np.maximum.accumulate(np.where(sequences.is_first, total, 0))
    n_slots = int(slots.max()) + 1
    lags = range(2, min(MAX_SEASON, n_slots // 4) + 1)
    if not lags:
        return None
    padded = np.zeros((len(sequences.targets), n_slots, u.shape[1]))
    padded[sequences.sequence, slots] = u
    sums = np.stack([np.einsum("ntb,ntb->b", padded[:, lag:], padded[:, :-lag]) for lag in lags])
    deviations = sums[:, 1:].std(axis=1, keepdims=True)
    scores = sums - sums[:, 1:].mean(axis=1, keepdims=True)
    scores = np.divide(scores, deviations, out=np.zeros_like(sums), where=deviations > 0.0)
    lag = int(np.argmax(sums[:, 0]))  # where the residuals resemble each other most
    value, n_steps = float(sums[lag, 0] / len(u)), lags[lag] * round(sequences.usual_gap)
    return Finding("season", lag=n_steps, value=value), np.abs(scores).max(axis=0)


def _follow_inputs(residuals: Residuals, slug: str, lags: range, poles: Sequence[float]) -> Check:
    """Relate residuals to inputs some steps earlier than those that act, or later.

    A further time constant spreads over many lags, which the responses with other poles unite.
    """
    problem, sequences, reach = residuals.problem, residuals.sequences, max(map(abs, lags))
    inputs, longest = sequences.sources[..., 1:-1], int(sequences.step.max()) + 1
    padded = np.pad(inputs, ((0, 0), (reach, reach), (0, 0)))
    lags = range(lags.start, min(lags.stop, max(2, longest // 5) + 1))

    def score(columns: Array) -> Array:
        check_interruption()
        columns = sequences.whiten(columns, residuals.rho)
        before = np.linalg.norm(columns, axis=0)
        columns = residuals.project(columns)
        norms = np.linalg.norm(columns, axis=0)
        columns /= np.where(norms > EXPLAINED_RTOL * before, norms, np.inf)
        return np.asarray(np.abs(columns.T @ residuals.values))

    at = sequences.step + reach
    scores = [score(padded[sequences.sequence, at - lag]) for lag in lags]
    observed = np.array(scores)[..., 0]
    if not observed.any():
        return None
    best, j = np.unravel_index(np.argmax(observed), observed.shape)
    value = float(observed[best, j]) / math.sqrt(len(at))
    finding = Finding(slug, problem.series.input_names[j], abs(lags[best] + problem.delay), value)
    scores += [score(recur(pole, inputs)[sequences.has_target]) for pole in poles]
    return finding, np.max(scores, axis=(0, 1))


def _compare_shapes(residuals: Residuals) -> Check:
    """Average the residuals of all sequences at the same steps since their starts."""
    u, sequences = residuals.values, residuals.sequences
    since = sequences.step - np.argmax(sequences.has_target, axis=1)[sequences.sequence]
    counts = np.bincount(since)
    is_each = residuals.problem.options.initial_state == "each"
    if not is_each or len(sequences.edges) < 3 or np.count_nonzero(counts > 2) <= 3:
        return None
    sums = np.zeros((len(counts), u.shape[1]))
    np.add.at(sums, since, u)
    shape = sums / np.sqrt(np.maximum(counts, 1))[:, None]
    values = np.sum(shape**2, axis=0)
    lag = int(np.argmax(np.abs(shape[:, 0])))
    return Finding("same_shape", lag=lag, value=float(values[0] / len(u))), values


def _relate_spread(residuals: Residuals) -> Check:
    """Correlate the sizes of residuals with the fit."""
    sequences = residuals.sequences
    noise = sequences.color(residuals.observed, residuals.rho)[:, 0]
    level = sequences.targets[sequences.has_target] - noise
    level -= level.mean()
    norm = float(np.linalg.norm(level))
    if norm <= RANK_RTOL * math.sqrt(len(level)):
        return None
    sizes = np.abs(residuals.values)
    sizes = sizes - sizes.mean(axis=0)
    r = level / norm @ sizes / np.maximum(np.linalg.norm(sizes, axis=0), TINY)
    return Finding("spread", value=float(r[0])), np.abs(r - np.median(r[1:]))


def _compare_noise_models(residuals: Residuals) -> Check:
    """Compare the w_rec of white and of ar1 noise, linearized.

    It is the test of J. A. Hausman, "Specification tests in econometrics", Econometrica 46 (1978),
    1251-1271.
    """
    if residuals.rho == 0.0:
        return None
    white, own = (
        linear.free[0, :, 0] / max(float(linear.sensitivity[0]) ** 2, TINY)
        for linear in (Linear(residuals.rows, np.zeros(1)), residuals.own)
    )
    noise = residuals.sequences.color(residuals.innovations, residuals.rho)
    change = np.abs(white @ noise - own @ residuals.innovations)
    return Finding("noise_model_matters", value=float(change[0]) * residuals.scale), change
