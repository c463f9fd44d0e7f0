"""Fits: the optimum, its uncertainty and its diagnostics."""

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.fit.prediction import Parameters, predict_bands
from service.engine.fit.problem import FitOptions, Problem
from service.engine.fit.reduced_cost import evaluate
from service.engine.fit.search import Solution
from service.engine.fit.uncertainty import FittedModel, Quality, Region, Trust
from service.engine.profile import Interval
from service.engine.types import Array

AT_LIMIT: Final = 1e-7  # a minimum this close to an end of the range is at that end
RHO_LIMIT: Final = 0.99  # the largest autocorrelation of the noise
RHO_PLACES: Final = 13  # grid points of the search for the autocorrelation
RHO_ATOL: Final = 1e-7  # accuracy of the autocorrelation; near its minimum the cost is quadratic
# Evenly spaced w_rec that the profile adds to those of the search, for a smooth curve.
PROFILE_PLACES: Final = 64


class Fit(FittedModel):
    """A fitted recurrence. Costs are mean squared errors; undefined numbers are nan.

    ``offset_pieces`` is the interval of the same fit with an offset; empty if there is none.
    """

    def __init__(
        self, solution: Solution, delay_costs: list[float] | None, offset_pieces: list[Interval]
    ) -> None:
        problem, n_free = solution.problem, solution.degrees_of_freedom
        self.delay, self.rho, self.w_rec = problem.delay, problem.rho, solution.w
        self.intervals, self.level = solution.pieces, solution.level
        self.cost, self.minima = solution.cost, solution.minima
        self.delay_costs = delay_costs or [self.cost]  # the lowest cost with each delay, in order
        self.n_targets, self.degrees_of_freedom = problem.n_targets, n_free
        # Whether one w_rec alone has the lowest cost, and whether the targets exclude any
        self.unique, self.identifiable = solution.is_unique, solution.is_identifiable
        self.at_limit = min(abs(self.w_rec - end) for end in problem.options.w_rec) < AT_LIMIT
        region = Region(problem, self)
        speed, condition = float(region.best.speed[0]), float(region.best.condition[0])
        self.standard_error = math.inf  # of w_rec, from the curvature at the optimum
        if n_free > 0 and speed > 0.0:
            self.standard_error = math.sqrt(self.cost / problem.cost_unit / n_free) / speed
        self.parameters = Parameters(region)
        self.table, residuals = _tabulate(region)
        self.quality = Quality(solution, residuals)
        self.trust = Trust(solution, condition, self.quality, offset_pieces)
        self.profile = _collect_profile(solution, region)


def fit(series: Series, options: FitOptions, delay_costs: list[float] | None = None) -> Fit:
    """Fit the recurrence S_k = w_rec S_(k-1) + sum_j w_in_j x_kj, y_k = S_k + offset.

    The cost is the mean squared error over all targets. Its lowest minimum is found by variable
    projection and a dense, refined search over w_rec, without initial values.

    Parameters
    ----------
    series
        The data, with at least as many targets as unknowns.
    options
        The unknowns, and the range of w_rec.
    delay_costs
        The costs that `solve` finds with each delay, in order, if known.

    Raises
    ------
    ValueError
        There are fewer targets than unknowns.

    References
    ----------
    G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
    squares problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
    D. M. Bates and D. G. Watts, Nonlinear regression analysis and its applications, Wiley (1988),
    chapter 6, for profile intervals.
    """
    delays = range(options.delay[0], options.delay[1] + 1)
    if len(delays) > 1 and delay_costs is None:
        delay_costs = [solve(series, options, delay).cost for delay in delays]
    delay = delays[int(np.argmin(delay_costs or [0.0]))]
    solution, offset_pieces = solve(series, options, delay), list[Interval]()
    problem = solution.problem
    has_room = problem.n_targets > problem.n_unknowns and solution.degrees_of_freedom > 1
    if not options.offset and has_room and solution.is_identifiable:
        offset_pieces = solve(series, replace(options, offset=True), delay).pieces
    return Fit(solution, delay_costs, offset_pieces)


def solve(series: Series, options: FitOptions, delay: int) -> Solution:
    """Return the minima with one of the delays; raises the same errors as `fit`.

    Autoregressive noise has the autocorrelation with the lowest cost.
    """
    problem = Problem(series, options, delay)
    if problem.n_targets < problem.n_unknowns:
        raise ValueError(f"{problem.n_targets} targets, {problem.n_unknowns} unknowns")
    if options.noise == "white":
        return Solution(problem)
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - takes long to import

    def cost(rho: float) -> float:
        return Solution(Problem(series, options, delay, rho)).cost

    # Alternating between residuals and rho would fail: near rho = w, the response to the initial
    # state looks like noise.
    places = np.linspace(-RHO_LIMIT, RHO_LIMIT, RHO_PLACES)
    i = int(np.argmin([cost(rho) for rho in places]))
    bounds = places[max(i - 1, 0)], places[min(i + 1, RHO_PLACES - 1)]
    best = minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": RHO_ATOL})
    return Solution(Problem(series, options, delay, float(best.x)))


def _tabulate(region: Region) -> tuple[dict[str, NDArray[Any]], Array]:
    """Return the fit at every step, starting with the first target of each sequence.

    The columns (R,) are sequence (from 0), step (from 1), target (nan where missing), prediction,
    low and high (the band of the mean), residual. The second result are the residuals (N, T).
    """
    problem, sequences = region.problem, region.problem.sequences
    first, step = np.argmax(sequences.has_target, axis=1), np.arange(problem.targets.shape[1])
    ends = problem.lengths * sequences.has_target.any(axis=1)
    row, column = np.nonzero((step >= first[:, None]) & (step < ends[:, None]))
    means, low, high, *_ = predict_bands(region, sequences)
    values = {"target": problem.targets, "prediction": means, "low": low, "high": high}
    values["residual"] = residuals = problem.targets - means
    table = {name: value[row, column] for name, value in values.items()}
    steps = column + 1 + problem.options.delay[1]
    return {"sequence": row, "step": steps, **table}, residuals


def _collect_profile(solution: Solution, region: Region) -> Array:
    """Return all visited and some evenly spaced w_rec, increasing, and their costs, (2, P)."""
    low, high = solution.problem.options.w_rec
    even = low + (high - low) * (np.arange(PROFILE_PLACES) + 0.5) / PROFILE_PLACES
    places = evaluate(solution.problem, even)
    visited = solution.profile.points.merge(region.sampled, region.best, places)
    return np.stack([visited.w, visited.cost])
