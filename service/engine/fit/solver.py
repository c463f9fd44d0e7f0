"""The fit: from a series and options to the optimum with everything that is known about it."""

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
from service.engine.fit.prediction import FittedModel, predict_fitted
from service.engine.fit.problem import FitOptions, Problem
from service.engine.fit.reduced_cost import Evaluation, ReducedCost
from service.engine.fit.search import Solution, find_minima
from service.engine.fit.uncertainty import Region
from service.engine.types import Array

RHO_LIMIT: Final = 0.99
"""The largest autocorrelation of the noise."""

PROFILE_PLACES: Final = 64
"""Evenly spaced w_rec of the profile, besides those of the search: a smooth curve in a picture."""

RHO_PLACES: Final = 13
"""Values of the autocorrelation from which the search starts."""

RHO_ATOL: Final = 1e-7
"""The accuracy of the autocorrelation: the cost is quadratic there."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted recurrence. Costs are mean squared errors; a number that does not exist is nan.

    Attributes
    ----------
    model
        w_rec, the pieces of its interval, the delay and rho.
    standard_error
        Of w_rec, by the curvature at the optimum.
    parameters
        All other unknowns. A sequence without targets has an initial state of nan.
    delay_costs
        The lowest cost with each delay, in order.
    level
        The cost up to which a w_rec belongs to its interval; infinite if all do.
    quality
        R squared, information criteria, and tests of the residuals.
    minima
        All local minima (w_rec, cost), the lowest first.
    unique, identifiable
        Whether one w_rec has the lowest cost, and whether the targets exclude any.
    at_limit
        Whether w_rec is at an end of the range.
    table
        The fit at every step from the first target of each sequence on, in columns (R,): sequence
        (from 0), step (from 1), target (nan where missing), prediction, low and high (the band of
        the mean), residual.
    profile
        The lowest cost with each w_rec (2, P), in the order of w_rec.
    """

    model: FittedModel
    standard_error: float
    parameters: Parameters
    delay_costs: list[float]
    cost: float
    level: float
    n_targets: int
    quality: Quality
    minima: list[tuple[float, float]]
    unique: bool
    identifiable: bool
    at_limit: bool
    trust: Trust
    table: dict[str, Array]
    profile: Array


def find_delay_cost(series: Series, options: FitOptions, delay: int) -> float:
    """Return the lowest cost with one delay of a range; raises as `fit`."""
    return _solve(Problem.from_series(series, options, delay), options).mean_cost


def fit(series: Series, options: FitOptions, delay_costs: list[float] | None = None) -> Fit:
    """Fit the recurrence S_k = w_rec S_(k-1) + sum_j w_in_j x_kj, y_k = S_k + offset.

    The cost is the mean squared error over all targets. The lowest point over all unknowns is found
    by variable projection and a search over w_rec, without initial values.

    Parameters
    ----------
    series
        With at least as many targets as unknowns.
    options
        What is unknown, and the range of w_rec.
    delay_costs
        The result of `find_delay_cost` for every delay, if it is known.

    Returns
    -------
    Fit

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
    best = int(np.argmin(delay_costs or [0.0]))
    solution = _solve(Problem.from_series(series, options, delays[best]), options)
    problem = solution.reduced_cost.problem
    region = Region.of(solution, options.confidence)
    table, residuals = _tabulate(region, options.delay[1])
    quality = assess_quality(solution, residuals)
    with_offset = None
    has_room = problem.n_targets > problem.n_unknowns and solution.degrees_of_freedom > 1
    if not problem.offset and has_room and is_identifiable(solution, region):
        problem_with = replace(Problem.from_series(series, options, delays[best]), offset=True)
        with_offset = Region.of(_solve(problem_with, options), options.confidence)
    low, high = options.w_rec
    even = low + (high - low) * (np.arange(PROFILE_PLACES) + 0.5) / PROFILE_PLACES
    places = solution.reduced_cost.evaluate(even)
    visited = Evaluation.join(solution.evaluated, region.sampled, region.best, places)
    with np.errstate(over="ignore"):  # far from the optimum
        profile = np.stack([visited.w, visited.cost * solution.to_mean(1.0)])
    return Fit(
        FittedModel(
            delays[best], problem.rho, solution.w, region.pieces, solution.degrees_of_freedom
        ),
        region.standard_error,
        _with_all_states(estimate_parameters(region), problem, len(series.targets)),
        delay_costs or [solution.mean_cost],
        solution.mean_cost,
        solution.to_mean(region.level),
        problem.n_targets,
        quality,
        [(w, solution.to_mean(cost)) for w, cost in solution.minima],
        solution.unique,
        is_identifiable(solution, region),
        solution.at_limit,
        assess_trust(solution, region, quality, with_offset),
        table,
        profile,
    )


def _solve(problem: Problem, options: FitOptions) -> Solution:
    """Return the lowest point of a problem, for autoregressive noise at the best rho."""
    if problem.n_targets < problem.n_unknowns:
        raise ValueError(f"{problem.n_targets} targets, {problem.n_unknowns} unknowns")
    if problem.rho is None:
        return find_minima(ReducedCost(problem), *options.w_rec)
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - takes long to import

    def solve_at(rho: float) -> Solution:
        return find_minima(ReducedCost(problem.with_rho(float(rho))), *options.w_rec)

    # Steps from the residuals of one rho to the next rho would not do: near rho = w the response
    # to the initial state looks like noise.
    places = np.linspace(-RHO_LIMIT, RHO_LIMIT, RHO_PLACES)
    i = int(np.argmin([solve_at(rho).mean_cost for rho in places]))
    bounds = places[max(i - 1, 0)], places[min(i + 1, RHO_PLACES - 1)]
    found = minimize_scalar(
        lambda rho: solve_at(rho).mean_cost,
        bounds=bounds,
        method="bounded",
        options={"xatol": RHO_ATOL},
    )
    return solve_at(found.x)


def _tabulate(region: Region, n_skipped: int) -> tuple[dict[str, Array], Array]:
    """Return the fit in columns, and the residuals (N, T), nan where there is no target."""
    problem, sequences = region.reduced_cost.problem, region.reduced_cost.sequences
    shape = problem.targets.shape
    first, step = np.argmax(sequences.has_target, axis=1)[:, None], np.arange(shape[1])
    band = np.full((3, *shape), np.nan)
    used = step[first.min() :]
    for block in sequences.blocks():
        band[:, block, used] = predict_fitted(region, sequences[block], used)
    residuals = problem.targets - band[0]
    row, column = np.nonzero((step >= first) & (step < problem.lengths[:, None]))
    names = ("target", "prediction", "low", "high", "residual")
    values = (problem.targets, *band, residuals)
    columns = {name: value[row, column] for name, value in zip(names, values, strict=True)}
    places = {"sequence": problem.members[row] + 0.0, "step": column + 1.0 + n_skipped}
    return places | columns, residuals


def _with_all_states(parameters: Parameters, problem: Problem, n_sequences: int) -> Parameters:
    """Return the parameters with a row of nan for the state of every sequence without targets."""
    if problem.initial_state != "each" or parameters.initial_states is None:
        return parameters
    states = np.full((n_sequences, 3), np.nan)
    states[problem.members] = parameters.initial_states
    return parameters._replace(initial_states=states)
