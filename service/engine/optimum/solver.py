"""The exact global minimum of the cost without an activation, found without iterating over it.

Whatever w_rec is, the best w_in solves a linear problem; what is left is the search for the
lowest point of a rational function of w_rec, infinity included.
"""

from dataclasses import replace
from math import frexp, inf, ldexp, log2, log10, nan

import numpy as np

from service.engine.data import Moments
from service.engine.optimum.candidates import search
from service.engine.optimum.degenerate import (
    identical,
    one_step,
    same_inputs,
    without_inputs,
    without_targets,
)
from service.engine.optimum.initial_state import FAR_OCTAVES, cancelling
from service.engine.optimum.refinement import Fit, FitProblem
from service.engine.optimum.result import Optimum, answer, described
from service.engine.optimum.selection import compared
from service.engine.types import Array, Weights

NO_DIGITS = 64  # more binary orders above the targets, a state near w_rec = 1 drowns them


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
        Finite, as is all else.
    targets : (N,)
    moments
        Those of the same data, if they are known already.
    """
    # Candidates that lie where float64 ends drop out by their costs.
    with np.errstate(all="ignore"):
        moments = moments or Moments.from_arrays(inputs, targets)
        found = _optimum(inputs, targets, initial_state, moments)
    if found.cost <= (1.0 + 1e-9) * moments.target_square:
        return found
    # Numbers so far apart that float64 shows nothing lower than the cost of no output at all.
    return described(Weights(0.0, 0.0), moments.target_square, 0, -inf, unique=False)


def _optimum(inputs: Array, targets: Array, initial_state: float, moments: Moments) -> Optimum:
    octaves = _octaves(targets, inputs.shape[1], initial_state)
    if abs(octaves) < FAR_OCTAVES:
        return _in_these_units(inputs, targets, initial_state, moments)
    far = _in_octaves_of_w_rec(inputs, targets, initial_state, octaves)
    if -octaves * inputs.shape[1] > NO_DIGITS:
        return far
    near = _in_these_units(inputs, targets, initial_state, moments)
    margin = 1e-9 * near.cost + 1e-26 * moments.target_square
    if far.cost < near.cost - margin:
        return far
    apart = abs(far.weights.w_rec - near.weights.w_rec) > 1e-6 * abs(near.weights.w_rec)
    return replace(near, unique=near.unique and not (apart and far.cost <= near.cost + margin))


def _octaves(targets: Array, n_steps: int, initial_state: float) -> int:
    """Return log2 of the |w_rec| at which s0 w_rec^T is as large as the targets; 0 if none is."""
    largest = float(np.max(np.abs(targets)))
    if initial_state == 0.0 or largest == 0.0 or n_steps == 1:
        return 0
    return round((log2(largest) - log2(abs(initial_state))) / n_steps)


def _in_octaves_of_w_rec(
    inputs: Array, targets: Array, initial_state: float, octaves: int
) -> Optimum:
    """Solve the same problem with w_rec in units of 2**octaves.

    A minimum at that scale, where the initial state matters, may be narrower than any grid sees.
    """
    n_steps = inputs.shape[1]
    # The powers of the steps, the last step first; the largest factor is 1.
    powers = np.arange(n_steps)[::-1]
    reference = 0 if octaves < 0 else n_steps - 1
    scaled = np.ldexp(inputs, octaves * (powers - reference))
    inner = _in_these_units(
        scaled,
        targets,
        ldexp(initial_state, octaves * n_steps),
        Moments.from_arrays(scaled, targets),
    )
    found = _times_w_in(inner, -octaves * reference)
    w_in, w_rec = found.weights
    return replace(found, weights=Weights(w_in, float(np.ldexp(w_rec, octaves))))


def _in_these_units(
    inputs: Array, targets: Array, initial_state: float, moments: Moments
) -> Optimum:
    """Solve the problem with w_rec as it is, inputs and targets brought near 1 if need be."""
    powers = _powers_of_two(inputs, targets, initial_state, moments)
    if powers is not None:
        return _rescaled(inputs, targets, initial_state, powers)
    first, last = _filled(inputs)
    if first > last:
        return without_inputs(targets, initial_state, inputs.shape[1])
    rows = FitProblem(
        inputs[:, first : last + 1],
        targets,
        inputs.shape[1] - 1 - last,
        inputs.shape[1],
        initial_state,
    )
    if not targets.any():
        return without_targets(rows, moments)
    if identical(rows):
        return same_inputs(rows)
    if initial_state != 0.0 and rows.n_steps == 1:
        return one_step(rows)
    return _searched(rows, moments)


def _filled(inputs: Array) -> tuple[int, int]:
    """Return the first and last column with a number other than 0; first > last if none."""
    first, last = 0, inputs.shape[1] - 1
    while first <= last and not (inputs[:100, first].any() or inputs[:, first].any()):
        first += 1
    while first <= last and not (inputs[:100, last].any() or inputs[:, last].any()):
        last -= 1
    return first, last


def _searched(rows: FitProblem, moments: Moments) -> Optimum:
    """Find the minimum in general: search, polish on the data, compare."""
    found = search(rows, moments)
    if found.flat is not None and not found.roots:
        return replace(answer(rows, rows.fit(*found.flat)), unique=False)
    candidates = [found.flat] if found.flat is not None else found.candidates
    if rows.initial_state != 0.0 and found.flat is None:
        candidates = candidates + cancelling(found.rows, found.reduced)
    attained: list[Fit] = []
    limits: list[Fit] = []
    for point in candidates:
        root = next((each for each in found.roots if each.distance(point) < 1e-7), None)
        if root is not None:
            fits = [found.rows.fit(*root)]
            root = root if _is_minimum(fits[0]) else None
        if root is None:
            fits = rows.minima(*point)
        for fit in fits:
            limited = root is not None or (fit.u == 0.0 and rows.power_at_zero(fit.chart) > 0)
            if limited and _vanishing(fit, found.rows):
                # Where the inputs vanish and none are needed, any w_in will do.
                attained.append(fit._replace(scale=0.0))
            else:
                (limits if limited else attained).append(fit)
    return compared(rows, attained, limits, flat=found.flat is not None)


def _is_minimum(fit: Fit) -> bool:
    """Tell whether a step to the minimum would gain nothing that counts."""
    if not fit.curvature > 0.0:
        return False
    return 0.5 * fit.slope * fit.slope / fit.curvature <= 1e-9 * fit.cost + 1e-26 * fit.magnitude


def _vanishing(fit: Fit, rows: FitProblem) -> bool:
    """Tell whether the fit does without the inputs."""
    largest = abs(fit.scale) * float(np.abs(rows.inputs).max())
    return largest < 1e-13 * float(np.abs(rows.targets).max())


def _powers_of_two(
    inputs: Array, targets: Array, initial_state: float, moments: Moments
) -> tuple[int, int] | None:
    """Return exponents of 2 near the largest input and target if squares leave float64."""
    sizes = [float(np.max(np.abs(moments.input_square))), moments.target_square]
    if initial_state != 0.0:
        sizes.append(initial_state**2 if abs(initial_state) < 1e150 else inf)
    if all(1e-180 < size < 1e180 for size in sizes):
        return None
    top = frexp(float(np.max(np.abs(inputs))))[1]
    state = max(float(np.max(np.abs(targets))), abs(initial_state))
    powers = top, frexp(state)[1]
    return powers if powers != (0, 0) and max(map(abs, powers)) > 200 else None


def _rescaled(
    inputs: Array, targets: Array, initial_state: float, powers: tuple[int, int]
) -> Optimum:
    """Solve the same problem in other units."""
    of_inputs, of_targets = powers
    scaled = np.ldexp(inputs, -of_inputs), np.ldexp(targets, -of_targets)
    state = ldexp(initial_state, -of_targets)
    inner = _times_w_in(
        _in_these_units(*scaled, state, Moments.from_arrays(*scaled)), of_targets - of_inputs
    )
    with np.errstate(over="ignore"):
        cost = float(np.ldexp(inner.cost, 2 * of_targets))
    log_cost = inner.log10_cost + 2 * of_targets * log10(2.0)
    return replace(inner, cost=cost, log10_cost=log_cost)


def _times_w_in(found: Optimum, octaves: int) -> Optimum:
    """Multiply w_in by 2**octaves; nan where it then is beyond float64."""
    w_in, w_rec = found.weights
    size = found.log10_abs_w_in + octaves * log10(2.0)
    fits = found.w_in_sign == 0 or abs(size) < 307.6
    weights = Weights(ldexp(w_in, octaves) if fits else nan, w_rec)
    return replace(found, weights=weights, log10_abs_w_in=size)
