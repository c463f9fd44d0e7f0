"""Fits: the optimum, its uncertainty and its diagnostics."""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from service.engine.data import Series
from service.engine.fit.diagnostics import Quality, Trust, assess_quality, assess_trust
from service.engine.fit.parameters import Parameters, estimate_parameters
from service.engine.fit.prediction import FittedModel, predict_means
from service.engine.fit.problem import FitOptions, Problem
from service.engine.fit.reduced_cost import evaluate
from service.engine.fit.search import Interval, Minimum, Solution, find_minima
from service.engine.fit.uncertainty import Region
from service.engine.types import Array

AT_LIMIT: Final = 1e-7  # a minimum this close to an end of the range is at that end
RHO_LIMIT: Final = 0.99  # the largest autocorrelation of the noise
RHO_PLACES: Final = 13  # grid points of the search for the autocorrelation
RHO_ATOL: Final = 1e-7  # accuracy of the autocorrelation; near its minimum the cost is quadratic
# Evenly spaced w_rec that the profile adds to those of the search, for a smooth curve.
PROFILE_PLACES: Final = 64


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit(FittedModel):
    """A fitted recurrence. Costs are mean squared errors; undefined numbers are nan."""

    standard_error: float  # of w_rec, from the curvature at the optimum
    parameters: Parameters
    delay_costs: list[float]  # the lowest cost with each delay, in order
    cost: float
    n_targets: int
    degrees_of_freedom: int  # targets minus unknowns; collinear ones count once
    quality: Quality
    minima: list[Minimum]  # all local minima, the lowest first
    unique: bool  # whether a single w_rec has the lowest cost
    identifiable: bool  # whether the targets exclude any w_rec of the range
    at_limit: bool  # whether w_rec is at an end of the range
    trust: Trust
    # The fit at every step, starting with the first target of each sequence, as columns (R,):
    # sequence (from 0), step (from 1), target (nan where missing), prediction, low and high (the
    # band of the mean), residual
    table: dict[str, Array]
    profile: Array  # (2, P): w_rec, increasing, and the lowest cost with each


def find_delay_cost(series: Series, options: FitOptions, delay: int) -> float:
    """Return the lowest cost with one of the delays; raises the same errors as `fit`."""
    return _solve(series, options, delay).mean_cost


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
        The results of `find_delay_cost` for all delays, if known.

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
        delay_costs = [find_delay_cost(series, options, delay) for delay in delays]
    delay = delays[int(np.argmin(delay_costs or [0.0]))]
    solution = _solve(series, options, delay)
    problem, (w, cost) = solution.problem, solution.minima[0]
    region = Region(problem, w, solution.level, solution.pieces)
    table, residuals = _tabulate(region)
    quality, n_free = assess_quality(solution, residuals), solution.degrees_of_freedom
    offset_pieces: list[Interval] = []
    has_room = problem.n_targets > problem.n_unknowns and n_free > 1
    if not options.offset and has_room and solution.is_identifiable:
        offset_pieces = _solve(series, replace(options, offset=True), delay).pieces
    speed = float(region.best.speed[0])
    return Fit(
        delay=delay,
        rho=problem.rho,
        w_rec=w,
        intervals=solution.pieces,
        level=problem.to_mean(solution.level),
        standard_error=math.sqrt(cost / n_free) / speed if n_free > 0 and speed > 0 else math.inf,
        parameters=estimate_parameters(region),
        delay_costs=delay_costs or [solution.mean_cost],
        cost=solution.mean_cost,
        n_targets=problem.n_targets,
        degrees_of_freedom=n_free,
        quality=quality,
        minima=[Minimum(w, problem.to_mean(cost)) for w, cost in solution.minima],
        unique=solution.is_unique,
        identifiable=solution.is_identifiable,
        at_limit=min(abs(w - end) for end in options.w_rec) < AT_LIMIT,
        trust=assess_trust(solution, float(region.best.condition[0]), quality, offset_pieces),
        table=table,
        profile=_collect_profile(solution, region),
    )


def _solve(series: Series, options: FitOptions, delay: int) -> Solution:
    """Return the minima of a problem, for autoregressive noise with the best rho."""
    problem = Problem(series, options, delay)
    if problem.n_targets < problem.n_unknowns:
        raise ValueError(f"{problem.n_targets} targets, {problem.n_unknowns} unknowns")
    if options.noise == "white":
        return find_minima(problem)
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - takes long to import

    def solve(rho: float) -> Solution:
        return find_minima(Problem(series, options, delay, float(rho)))

    # Alternating between residuals and rho would fail: near rho = w, the response to the initial
    # state looks like noise.
    places = np.linspace(-RHO_LIMIT, RHO_LIMIT, RHO_PLACES)
    i = int(np.argmin([solve(rho).mean_cost for rho in places]))
    best = minimize_scalar(
        lambda rho: solve(rho).mean_cost,
        bounds=places[[max(i - 1, 0), min(i + 1, RHO_PLACES - 1)]],
        method="bounded",
        options={"xatol": RHO_ATOL},
    )
    return solve(best.x)


def _tabulate(region: Region) -> tuple[dict[str, Array], Array]:
    """Return the fit as columns, and the residuals (N, T), nan where there is no target."""
    problem, sequences = region.problem, region.problem.sequences
    first, step = np.argmax(sequences.has_target, axis=1), np.arange(problem.targets.shape[1])
    ends = problem.lengths * sequences.has_target.any(axis=1)
    row, column = np.nonzero((step >= first[:, None]) & (step < ends[:, None]))
    means = predict_means(region, sequences)
    residuals = problem.targets - means[0]
    names = ("target", "prediction", "low", "high", "residual")
    values = (problem.targets, *means, residuals)
    columns = {name: value[row, column] for name, value in zip(names, values, strict=True)}
    steps = column + 1.0 + problem.options.delay[1]
    return {"sequence": row + 0.0, "step": steps, **columns}, residuals


def _collect_profile(solution: Solution, region: Region) -> Array:
    """Return all visited and some evenly spaced w_rec, and their costs, (2, P)."""
    low, high = solution.problem.options.w_rec
    even = low + (high - low) * (np.arange(PROFILE_PLACES) + 0.5) / PROFILE_PLACES
    places = evaluate(solution.problem, even)
    visited = solution.evaluated.merge(region.sampled, region.best, places)
    with np.errstate(over="ignore"):  # far from the optimum
        return np.stack([visited.w, visited.cost * solution.problem.to_mean(1.0)])
