"""Where the inputs cancel an initial state that dwarfs the targets.

With p the vector of all p_i and 1 that of ones, w_in p - (t - s0 w^T 1) can be small for a large
s0 w^T only where p is nearly parallel to 1: where the spread of the p_i about their mean dips.
Moments have no digits of the cost left there, but they have digits of the spread.
"""

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Moments
from service.engine.optimum.candidates import Point, density, root
from service.engine.optimum.refinement import FitProblem
from service.engine.optimum.variable_projection import EPSILON, ReducedCost
from service.engine.types import Array

FAR_OCTAVES = 20  # further than this from 1, a w_rec needs a search in units of its own
LARGE = 30.0  # times the targets: below, the readings of the cost show every minimum
DROWNED = 1e16  # times the targets: beyond, no weights in float64 come near them


def cancelling(rows: FitProblem, reduced: ReducedCost) -> list[Point]:
    """Return candidates for the minimum where the state is large and may be cancelled."""
    found: list[Point] = []
    log_size = 0.5 * np.log(reduced.scale)
    for chart, u, values in reduced.spreads(density(rows)):
        log_state = _log_state(rows, chart, u) - log_size
        found += [_bottom(rows, reduced, chart, u[j : j + 2]) for j in _dips(values, u, log_state)]
    found = [point for point in found if abs(point.u) > 2.0**-FAR_OCTAVES]
    found += _beside_constants(rows)
    places = [_log_state(rows, chart, np.array(u)) - log_size for chart, u in found]
    return [
        point for point, place in zip(found, places, strict=True) if 0.0 < place < np.log(DROWNED)
    ]


def _beside_constants(rows: FitProblem) -> list[Point]:
    """Return candidates where columns that are the same for all samples cancel the state.

    With k such columns at one end, w_rec near 0 or infinity, what the inputs tell apart comes
    in by the next column q, as -s0 w_rec^(T ± k) q / c where c is the first column's number.
    """
    found = []
    targets = rows.targets - np.mean(rows.targets)
    for chart, columns, sign in ((0, rows.inputs.T[::-1], 1), (1, rows.inputs.T, -1)):
        k = next((k for k, column in enumerate(columns) if np.ptp(column) != 0.0), 0)
        if k == 0:
            continue
        q = columns[k] - np.mean(columns[k])
        square = float(q @ q)
        if square == 0.0:
            continue
        power = rows.n_steps + sign * k
        ratio = -float(q @ targets) / square * float(columns[0, 0]) / rows.initial_state
        size = abs(ratio) ** (1.0 / power)
        for w_rec in (size, -size):
            u = w_rec if chart == 0 else 1.0 / w_rec if w_rec else np.inf
            if abs(u) <= 1.0 and (np.sign(w_rec) ** power == np.sign(ratio)):
                found.append(Point(chart, u))
    return found


def meeting(rows: FitProblem, moments: Moments) -> bool:
    """Tell whether all p_i are equal and not 0 at some w_rec other than 0."""
    state = rows.initial_state
    reduced = ReducedCost.of(moments, state, rows.first_power, rows.last_power)
    for chart, u, values in reduced.spreads(density(rows)):
        for j in _dips(values, u, np.full(len(u), np.log(LARGE))):
            point = _bottom(rows, reduced, chart, u[j : j + 2])
            if point.u != 0.0 and _meet(rows, *point):
                return True
    return False


def _bottom(rows: FitProblem, reduced: ReducedCost, chart: int, ends: Array) -> Point:
    """Return where between two points the spread of the p_i is smallest."""
    low, high = ends.tolist()
    u = root(lambda x: reduced.spread_slope(chart, x), low, high)
    return Point(chart, _closest(rows, chart, u))


def _log_state(rows: FitProblem, chart: int, u: Array) -> Array:
    """Return the logarithm of |s0 w_rec^T|, (G,)."""
    power = rows.n_steps if chart == 0 else -rows.n_steps
    with np.errstate(divide="ignore"):
        found: Array = np.log(abs(rows.initial_state)) + power * np.log(np.abs(u))
    return found


def _dips(values: Array, u: Array, log_state: Array) -> NDArray[np.intp]:
    """Return the gaps (K,) with a minimum of the spread low enough for the state there.

    Parameters
    ----------
    values : (4, G)
        As ``ReducedCost.spreads`` has them.
    log_state : (G,)
        Of the state in units of the targets.
    """
    a, e, a_slope, e_slope = values
    with np.errstate(all="ignore"):
        spread = np.maximum(e / a, 0.0)
        slope = (e_slope * a - e * a_slope) / (a * a)
        # Where the charts meet rounding must not hide a minimum from both.
        slope[0], slope[-1] = min(slope[0], 0.0), max(slope[-1], 0.0)
        half = 0.5 * np.diff(u)
        # The tangents at both ends bound the minimum from below.
        low = np.minimum(spread[:-1] + slope[:-1] * half, spread[1:] - slope[1:] * half)
        state = np.minimum(log_state[:-1], log_state[1:])
        deep = np.log(np.maximum(low, 0.0)) + 2.0 * state <= np.log(16.0)
        large = np.maximum(log_state[:-1], log_state[1:]) >= np.log(LARGE)
        turning = (slope[:-1] <= 0.0) & (slope[1:] >= 0.0)
        return np.flatnonzero(turning & deep & large & (state <= np.log(DROWNED)))


def _apart(rows: FitProblem, chart: int, u: float, derivative: int = 0) -> Array:
    """Return the p_i of a chart less their mean, or their derivatives, (N,)."""
    p = rows.values(chart, u, derivative)
    return p - np.mean(p)


def _closest(rows: FitProblem, chart: int, u: float) -> float:
    """Walk to where the p_i differ least, by Gauss and Newton."""
    h = _apart(rows, chart, u)
    for _ in range(4):
        h_1 = _apart(rows, chart, u, 1)
        steep = float(h_1 @ h_1)
        step = float(h @ h_1) / steep if steep > 0.0 else 0.0
        new = _apart(rows, chart, u - step)
        if u - step == u or not float(new @ new) < float(h @ h):
            break
        u, h = u - step, new
    return u


def _meet(rows: FitProblem, chart: int, u: float) -> bool:
    """Tell whether all p_i are equal but for rounding, and not 0."""
    p, h = rows.values(chart, u), _apart(rows, chart, u)
    rounding = 64.0 * EPSILON * np.sqrt(rows.size(chart, u) * len(p))
    speed = 4.0 * EPSILON * abs(u) * float(np.linalg.norm(_apart(rows, chart, u, 1)))
    return bool(np.linalg.norm(p) > 1e3 * rounding and np.linalg.norm(h) <= rounding + speed)
