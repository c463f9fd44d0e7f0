"""Fits: the optimum, its uncertainty and its diagnostics."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from service.engine.data import Series
from service.engine.fit.diagnostics import (
    Quality,
    Trust,
    assess_quality,
    assess_trust,
    is_identifiable,
)
from service.engine.fit.parameters import Parameters, estimate_parameters
from service.engine.fit.prediction import FittedModel, predict_means
from service.engine.fit.problem import FitOptions, Problem
from service.engine.fit.search import Interval, Minimum, Solution, find_minima
from service.engine.fit.uncertainty import Region
from service.engine.types import Array

RHO_LIMIT: Final = 0.99  # the largest autocorrelation of the noise
RHO_PLACES: Final = 13  # grid points of the search for the autocorrelation
RHO_ATOL: Final = 1e-7  # accuracy of the autocorrelation; near its minimum the cost is quadratic
# Evenly spaced w_rec that the profile adds to those of the search, for a smooth curve.
PROFILE_PLACES: Final = 64


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit(FittedModel):
    """A fitted recurrence. Costs are mean squared errors; undefined numbers are nan.

    Attributes
    ----------
    standard_error
        That of w_rec, from the curvature at the optimum.
    delay_costs
        The lowest cost with each delay, in order.
    level
        The cost up to which a w_rec belongs to its interval; infinite if all do.
    minima
        All local minima, the lowest first.
    unique, identifiable
        Whether a single w_rec has the lowest cost, and whether the targets exclude any w_rec.
    at_limit
        Whether w_rec is at an end of the range.
    table
        The fit at every step, starting with the first target of each sequence, as columns (R,):
        sequence (from 0), step (from 1), target (nan where missing), prediction, low and high (the
        band of the mean), residual.
    profile
        (2, P): w_rec, increasing, and the lowest cost with each.
    """

    standard_error: float
    parameters: Parameters
    delay_costs: list[float]
    cost: float
    level: float
    n_targets: int
    quality: Quality
    minima: list[Minimum]
    unique: bool
    identifiable: bool
    at_limit: bool
    trust: Trust
    table: dict[str, Array]
    profile: Array


def find_delay_cost(series: Series, options: FitOptions, delay: int) -> float:
    """Return the lowest cost with one of the delays; raises the same errors as `fit`."""
    return _solve(Problem.from_series(series, options, delay)).mean_cost


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
    solution = _solve(Problem.from_series(series, options, delay))
    region, problem = _find_region(solution), solution.reduced_cost.problem
    table, residuals = _tabulate(region)
    quality, identifiable = assess_quality(solution, residuals), is_identifiable(solution, region)
    offset_pieces: list[Interval] = []
    has_room = problem.n_targets > problem.n_unknowns and solution.degrees_of_freedom > 1
    if not options.offset and has_room and identifiable:
        with_offset = Problem.from_series(series, replace(options, offset=True), delay)
        offset_pieces = _find_region(_solve(with_offset)).pieces
    return Fit(
        delay=delay,
        rho=problem.rho,
        w_rec=solution.w,
        intervals=region.pieces,
        degrees_of_freedom=solution.degrees_of_freedom,
        standard_error=region.standard_error,
        parameters=estimate_parameters(region, len(series.targets)),
        delay_costs=delay_costs or [solution.mean_cost],
        cost=solution.mean_cost,
        level=solution.to_mean(region.level),
        n_targets=problem.n_targets,
        quality=quality,
        minima=[Minimum(w, solution.to_mean(cost)) for w, cost in solution.minima],
        unique=solution.unique,
        identifiable=identifiable,
        at_limit=solution.at_limit,
        trust=assess_trust(solution, region, quality, offset_pieces),
        table=table,
        profile=_collect_profile(solution, region),
    )


def _solve(problem: Problem) -> Solution:
    """Return the minima of a problem, for autoregressive noise with the best rho."""
    if problem.n_targets < problem.n_unknowns:
        raise ValueError(f"{problem.n_targets} targets, {problem.n_unknowns} unknowns")
    if problem.rho is None:
        return find_minima(problem)
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - takes long to import

    def cost(rho: float) -> float:
        return find_minima(replace(problem, rho=float(rho))).mean_cost

    # Alternating between residuals and rho would fail: near rho = w, the response to the initial
    # state looks like noise.
    places = np.linspace(-RHO_LIMIT, RHO_LIMIT, RHO_PLACES)
    i = int(np.argmin([cost(rho) for rho in places]))
    bounds = places[max(i - 1, 0)], places[min(i + 1, RHO_PLACES - 1)]
    best = minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": RHO_ATOL})
    return find_minima(replace(problem, rho=float(best.x)))


def _find_region(solution: Solution) -> Region:
    degrees_of_freedom, find_pieces = solution.degrees_of_freedom, solution.pieces_below
    return Region.around(solution.reduced_cost, solution.w, degrees_of_freedom, find_pieces)


def _tabulate(region: Region) -> tuple[dict[str, Array], Array]:
    """Return the fit as columns, and the residuals (N, T), nan where there is no target."""
    problem, sequences = region.reduced_cost.problem, region.reduced_cost.sequences
    first, step = np.argmax(sequences.has_target, axis=1), np.arange(problem.targets.shape[1])
    means = predict_means(region, sequences)
    residuals = problem.targets - means[0]
    row, column = np.nonzero((step >= first[:, None]) & (step < problem.lengths[:, None]))
    names = ("target", "prediction", "low", "high", "residual")
    values = (problem.targets, *means, residuals)
    columns = {name: value[row, column] for name, value in zip(names, values, strict=True)}
    steps = column + 1.0 + problem.options.delay[1]
    return {"sequence": problem.members[row] + 0.0, "step": steps, **columns}, residuals


def _collect_profile(solution: Solution, region: Region) -> Array:
    """Return all visited and some evenly spaced w_rec, and their costs, (2, P)."""
    low, high = solution.reduced_cost.problem.options.w_rec
    even = low + (high - low) * (np.arange(PROFILE_PLACES) + 0.5) / PROFILE_PLACES
    places = solution.reduced_cost.evaluate(even)
    visited = solution.evaluated.merge(region.sampled, region.best, places)
    with np.errstate(over="ignore"):  # far from the optimum
        return np.stack([visited.w, visited.cost * solution.to_mean(1.0)])
