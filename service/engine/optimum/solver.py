"""The exact global minimum of the cost without an activation, found without iterating.

Whatever w_rec is, the best w_in solves a linear problem. What is left is the search for the lowest
point of a rational function of w_rec, infinity included (``variable_projection``). The stages are

1. units in which no square overflows (``solver``), and data without a search (``degenerate``),
2. candidates from the polynomials alone (``candidates``, ``initial_state``),
3. Newton's method on the data (``refinement``),
4. the choice among the minima found (``selection``), as float weights (``result``).
"""

from dataclasses import replace
from math import frexp, isfinite, log2, log10, nan

import numpy as np

from service.engine.data import Moments
from service.engine.optimum.candidates import search
from service.engine.optimum.degenerate import (
    has_equal_inputs,
    with_equal_inputs,
    with_one_step,
    without_inputs,
    without_targets,
)
from service.engine.optimum.initial_state import FAR_OCTAVES
from service.engine.optimum.refinement import Fit, FitProblem
from service.engine.optimum.result import LARGEST_LOG10, Optimum
from service.engine.optimum.selection import select_optimum
from service.engine.optimum.tolerances import COST_RTOL, FIT_ATOL
from service.engine.types import Array, Weights

NO_DIGITS = 64  # with more binary orders above the targets, a state near w_rec = 1 drowns them
SMALLEST_SQUARE, LARGEST_SQUARE = 1e-180, 1e180  # mean squares in between need no other units
FAR_UNITS = 200  # units with exponents up to this are not used: their squares are floats
APART_RTOL = 1e-6  # values of w_rec that differ by more belong to different minima
ROOT_DISTANCE = 1e-7  # a candidate closer to a root of all p_i is the root
NO_INPUTS_RTOL = 1e-13  # outputs below this part of the targets are rounding errors


def find_optimum(
    inputs: Array,
    targets: Array,
    initial_state: float = 0.0,
    moments: Moments | None = None,
) -> Optimum:
    """Return the global minimum of the cost over both weights.

    Parameters
    ----------
    inputs : (N, T)
        Finite, like all other numbers.
    targets : (N,)
    initial_state
        s0, the same for all sequences.
    moments
        Those of the same data, if they are known already.

    Returns
    -------
    Optimum
        Its cost is that of its float weights: right to 1e-6 of itself, or to 1e-24 of the mean
        squared target. It exceeds the global minimum by no more than the rounding of the weights,
        unless numbers are so far apart that their squares underflow beside each other.

    References
    ----------
    G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
    squares problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
    """
    # Candidates at the limits of float64 overflow here and there, and drop out by their costs.
    with np.errstate(all="ignore"):
        moments = moments or Moments.from_arrays(inputs, targets)
        found = _solve(inputs, targets, initial_state, moments)
    if found.cost <= (1.0 + COST_RTOL) * moments.target_square:
        return found
    # Numbers so far apart that float64 shows nothing lower than the cost of no output at all.
    return Optimum.at(Weights(0.0, 0.0), moments.target_square, unique=False)


def _solve(inputs: Array, targets: Array, initial_state: float, moments: Moments) -> Optimum:
    """Solve the problem, and also in units of w_rec in which the state is like the targets.

    A minimum at that scale, where the initial state matters, may be narrower than any grid shows.
    """
    n_steps = inputs.shape[1]
    octaves = _state_octaves(targets, n_steps, initial_state)
    if abs(octaves) < FAR_OCTAVES:
        return _solve_near_one(inputs, targets, initial_state, moments)
    of_inputs = 0 if octaves < 0 else octaves * (n_steps - 1)  # the largest factor is 1
    far = _solve_in_units(inputs, targets, initial_state, of_inputs, 0, octaves)
    if -octaves * n_steps > NO_DIGITS:
        return far
    near = _solve_near_one(inputs, targets, initial_state, moments)
    margin = COST_RTOL * near.cost + FIT_ATOL * moments.target_square
    if not far.cost >= near.cost - margin:
        return far
    apart = abs(far.weights.w_rec - near.weights.w_rec) > APART_RTOL * abs(near.weights.w_rec)
    return replace(near, unique=near.unique and not (apart and far.cost <= near.cost + margin))


def _state_octaves(targets: Array, n_steps: int, initial_state: float) -> int:
    """Return log2 of the |w_rec| at which s0 w_rec^T is as large as the targets; 0 if none is."""
    largest = float(np.max(np.abs(targets)))
    if initial_state == 0.0 or largest == 0.0 or n_steps == 1:
        return 0
    return round((log2(largest) - log2(abs(initial_state))) / n_steps)


def _solve_in_units(
    inputs: Array, targets: Array, state: float, of_inputs: int, of_targets: int, of_w_rec: int = 0
) -> Optimum:
    """Solve the problem with numbers in units of powers of two, whose exponents are given."""
    n_steps = inputs.shape[1]
    scaled = np.ldexp(inputs, of_w_rec * np.arange(n_steps)[::-1] - of_inputs)
    goals = np.ldexp(targets, -of_targets)
    state = float(np.ldexp(state, of_w_rec * n_steps - of_targets))
    found = _solve_near_one(scaled, goals, state, Moments.from_arrays(scaled, goals))
    octaves = of_targets - of_inputs
    size = found.log10_abs_w_in + octaves * log10(2.0)
    fits = found.w_in_sign == 0 or abs(size) < LARGEST_LOG10
    w_in = float(np.ldexp(found.weights.w_in, octaves)) if fits else nan
    return replace(
        found,
        weights=Weights(w_in, float(np.ldexp(found.weights.w_rec, of_w_rec))),
        cost=float(np.ldexp(found.cost, 2 * of_targets)),
        log10_cost=found.log10_cost + 2 * of_targets * log10(2.0),
        log10_abs_w_in=size,
    )


def _solve_near_one(
    inputs: Array, targets: Array, initial_state: float, moments: Moments
) -> Optimum:
    """Solve the problem without scaling w_rec; scale inputs and targets to near 1 if necessary."""
    units = _units(inputs, targets, initial_state, moments)
    if units is not None:
        return _solve_in_units(inputs, targets, initial_state, *units)
    n_steps = inputs.shape[1]
    first, last = _first_used(inputs.T), n_steps - 1 - _first_used(inputs.T[::-1])
    if first > last:
        return without_inputs(targets, initial_state, n_steps)
    problem = FitProblem(
        inputs[:, first : last + 1], targets, n_steps - 1 - last, n_steps, initial_state
    )
    if not targets.any():
        return without_targets(problem, moments)
    if has_equal_inputs(problem):
        return with_equal_inputs(problem)
    if initial_state != 0.0 and n_steps == 1:
        return with_one_step(problem)
    return _search_and_select(problem, moments)


def _first_used(columns: Array) -> int:
    """Return the index of the first column with a nonzero number, or the number of columns."""
    # Nearly always one of the first numbers decides.
    used = (k for k, column in enumerate(columns) if column[:100].any() or column.any())
    return next(used, len(columns))


def _units(
    inputs: Array, targets: Array, initial_state: float, moments: Moments
) -> tuple[int, int] | None:
    """Return exponents of 2 near the largest input and target if squares overflow or underflow."""
    largest = float(np.max(np.abs(moments.input_square_sum)))
    sizes = [largest / moments.n_samples, moments.target_square]
    if initial_state != 0.0:
        sizes.append(initial_state * initial_state)
    if all(SMALLEST_SQUARE < size < LARGEST_SQUARE for size in sizes):
        return None
    state = max(float(np.max(np.abs(targets))), abs(initial_state))
    units = frexp(float(np.max(np.abs(inputs))))[1], frexp(state)[1]
    return units if max(map(abs, units)) > FAR_UNITS else None


def _search_and_select(problem: FitProblem, moments: Moments) -> Optimum:
    """Find the minimum in the general case: search, refine on the data, compare."""
    found = search(problem, moments)
    attained: list[Fit] = []
    limits: list[Fit] = []
    for point in found.candidates:
        roots = (root for root in found.roots if root.distance(point) < ROOT_DISTANCE)
        fits = list(map(found.problem.fit, roots))
        is_root = bool(fits) and _is_minimum(fits[0])
        if not is_root:
            fits = [problem.fit(point)] if found.is_flat else problem.minima(point)
        for fit in (fit for fit in fits if isfinite(fit.cost + fit.magnitude)):
            chart, u = fit.point
            is_limit = is_root or (u == 0.0 and problem.power_at_zero(chart) > 0)
            if is_limit and _needs_no_inputs(fit, found.problem):
                attained.append(fit._replace(scale=0.0))  # where the inputs vanish any w_in will do
            else:
                (limits if is_limit else attained).append(fit)
    return select_optimum(problem, attained, limits, is_flat=found.is_flat)


def _is_minimum(fit: Fit) -> bool:
    """Return whether a step to the minimum would gain nothing significant."""
    significant = COST_RTOL * fit.cost + FIT_ATOL * fit.magnitude
    return fit.curvature > 0.0 and fit.newton_gain <= significant


def _needs_no_inputs(fit: Fit, problem: FitProblem) -> bool:
    """Return whether the outputs of a fit do not depend on the inputs."""
    largest = abs(fit.scale) * float(np.abs(problem.inputs).max())
    return largest < NO_INPUTS_RTOL * float(np.abs(problem.targets).max())
