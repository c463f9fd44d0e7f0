"""Where the global minimum may lie: all stationary points of the reduced cost worth a look."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from service.engine.data import Moments
from service.engine.optimum.refinement import FitProblem
from service.engine.optimum.variable_projection import EPSILON, Evaluations, ReducedCost, explore


class Point(NamedTuple):
    """A point of the projective line: w_rec = u in chart 0, 1 / u in chart 1."""

    chart: int
    u: float

    def distance(self, other: "Point") -> float:
        """Return the distance along the line, which closes after a length of 4."""
        gap = abs(self._place() - other._place()) % 4.0
        return min(gap, 4.0 - gap)

    def _place(self) -> float:
        return self.u if self.chart == 0 else 2.0 - self.u

    def turns(self) -> tuple[float, bool]:
        """Return a key that sorts by |ln |w_rec||, positive before negative."""
        size = abs(self.u)
        return (-np.log(size) if size > 0.0 else np.inf, self.u < 0.0)


class Search(NamedTuple):
    """What the search found.

    rows, reduced -- without the roots that all p_i share; ``roots`` are these.
    flat -- one point, if the reduced cost is the same everywhere.
    """

    rows: FitProblem
    reduced: ReducedCost
    roots: list[Point]
    candidates: list[Point]
    flat: Point | None


def density(rows: FitProblem) -> int:
    """Return how many points each half of a chart needs, as ``half`` for ``explore``."""
    return 256 if len(rows.targets) <= 3 else 128


def search(rows: FitProblem, moments: Moments) -> Search:
    """Find the candidates for the global minimum of the cost with w_in eliminated."""
    half = density(rows)
    reduced = ReducedCost.of(moments, rows.initial_state, rows.first_power, rows.last_power)
    roots: list[Point] = []
    while True:
        charts = explore(reduced, half)
        flat = _flat(reduced, charts)
        if flat is not None:
            return Search(rows, reduced, roots, [], flat)
        dips = [Point(chart, u) for chart in (0, 1) for u in _dips(reduced, chart, charts[chart])]
        charts, extra, zero = _narrow(rows, reduced, charts, dips)
        if zero is None:
            break
        rows = rows.divided(*zero)
        roots.append(zero)
        degree = rows.inputs.shape[1] - 1
        reduced = reduced.of_rows(Moments.from_arrays(rows.inputs, rows.targets), degree)
    return Search(rows, reduced, roots, _chosen(reduced, charts, extra), None)


def _flat(reduced: ReducedCost, charts: tuple[Evaluations, Evaluations]) -> Point | None:
    """Return a well-conditioned point near |w_rec| = 1 if the reduced cost is constant."""
    cost = np.concatenate([each.cost for each in charts])
    noise = np.concatenate([each.noise for each in charts])
    known = np.isfinite(cost)
    if not known.any():
        return None
    sharp = known & (noise <= max(1e-9 * reduced.scale, 4.0 * float(np.min(noise[known]))))
    middle = float(np.median(cost[sharp]))
    if reduced.initial_state != 0.0 and not known.all():
        return None
    bound = 2.0 * noise[known] + 1e-12 * reduced.scale
    if np.any(np.abs(cost[known] - middle) > bound):
        return None
    u = np.concatenate([each.u for each in charts])
    chart = np.repeat([0, 1], [len(each.u) for each in charts])
    points = [Point(int(chart[i]), float(u[i])) for i in np.flatnonzero(sharp)]
    return min(points, key=Point.turns)


def _dips(reduced: ReducedCost, chart: int, readings: Evaluations) -> list[float]:
    """Return where a, the mean of p_i², has a minimum narrower than the gaps of the readings.

    There the direction of the p_i, and with it the cost, may turn within less than a gap.
    """
    u, a, slope = readings.u, readings.power, readings.power_slope
    h = np.diff(u)
    candidates = np.flatnonzero((slope[:-1] <= 0.0) & (slope[1:] >= 0.0))
    found = []
    for j in candidates:
        bend = (slope[j + 1] - slope[j]) / h[j]
        # The tangents at both ends bound the minimum from below.
        low = min(a[j] + 0.5 * slope[j] * h[j], a[j + 1] - 0.5 * slope[j + 1] * h[j])
        if bend > 0.0 and low < 2.0 * bend * h[j] ** 2:
            found.append(
                root(lambda x: reduced.power_slope(chart, x), float(u[j]), float(u[j + 1]))
            )
    return found


def _narrow(
    rows: FitProblem,
    reduced: ReducedCost,
    charts: tuple[Evaluations, Evaluations],
    dips: list[Point],
) -> tuple[tuple[Evaluations, Evaluations], list[Point], Point | None]:
    """Look into the narrow minima of a.

    Returns
    -------
    charts
        With more readings around them.
    extra
        Candidates in minima so narrow that moments have no digits there.
    root
        A point where all p_i vanish, if there is one; the rest is then worthless.
    """
    merged, extra = list(charts), []
    for chart, u in dips:
        here = reduced.readings(chart, np.array([u]))
        power, magnitude = float(here.power[0]), float(here.magnitude[0])
        if power > 1e-7 * magnitude:
            merged[chart] = _with_dip(reduced, chart, merged[chart], u)
            continue
        lowest = _lowest(rows, chart, u)
        p, p_1 = rows.values(chart, lowest), rows.values(chart, lowest, 1)
        size = float(np.sqrt(p @ p / len(p)))
        speed = float(np.sqrt(p_1 @ p_1 / len(p)))
        if size <= 64.0 * EPSILON * (np.sqrt(magnitude) + abs(lowest) * speed):
            return charts, [], Point(chart, lowest)
        d = rows.targets - rows.state(chart, lowest)[0]
        (along, across), *_ = np.linalg.lstsq(np.column_stack([p / size, p_1 / speed]), d)
        # To first order the outputs are a (p + δ p'): the best δ is a quotient.
        if along != 0.0 and abs(step := across / speed / (along / size)) < 0.1:
            extra.append(Point(chart, lowest + float(step)))
    return (merged[0], merged[1]), extra, None


def _lowest(rows: FitProblem, chart: int, u: float) -> float:
    """Walk to the smallest sum of p_i², by Gauss and Newton."""
    for _ in range(3):
        p, p_1 = rows.values(chart, u), rows.values(chart, u, 1)
        square = float(p_1 @ p_1)
        if square == 0.0:
            break
        u -= float(p @ p_1) / square
    plain = float(f"{u:.6g}")
    return plain if abs(plain - u) < 1e-12 else u


def _with_dip(reduced: ReducedCost, chart: int, readings: Evaluations, u: float) -> Evaluations:
    """Add readings around a narrow minimum of a, from its own width outwards."""
    j = int(np.clip(np.searchsorted(readings.u, u), 1, len(readings.u) - 1))
    gap = float(readings.u[j] - readings.u[j - 1])
    here = reduced.readings(chart, np.array([u]))
    small = 1e-6 * gap
    bend = float(reduced.readings(chart, np.array([u + small])).power_slope[0]) / small
    width = np.sqrt(2.0 * abs(float(here.power[0]) / bend)) if bend != 0.0 else 0.0
    if not width > 0.0:
        width = gap
    offsets = np.geomspace(min(width, gap) / 16.0, gap, 40)
    more = np.concatenate([u - offsets, [u], u + offsets])
    more = more[(more >= readings.u[j - 1]) & (more <= readings.u[j])]
    return readings.merged(reduced.readings(chart, more))


def _chosen(
    reduced: ReducedCost, charts: tuple[Evaluations, Evaluations], extra: list[Point]
) -> list[Point]:
    """Return the stationary points whose cost may be the lowest."""
    best = min(float(np.fmin.reduce(each.cost)) for each in charts)
    points = [
        Point(chart, u)
        for chart in (0, 1)
        for u in _stationary(reduced, chart, charts[chart], best)
    ]
    for chart in (0, 1):
        readings = charts[chart]
        lowest = np.where(np.isnan(readings.cost), np.inf, readings.cost).argmin()
        special = {-1.0, 0.0, 1.0, float(readings.u[lowest])}
        for u in special:
            point = Point(chart, u)
            # Infinity and 0 count even beside a stationary point, which may be part of theirs.
            near = 0.0 if u == 0.0 else 1e-6
            if all(point.distance(other) > near for other in points):
                points.append(point)
    costs, noises = np.empty(len(points)), np.empty(len(points))
    for chart in (0, 1):
        mine = [i for i, point in enumerate(points) if point.chart == chart]
        readings = reduced.readings(chart, np.array([points[i].u for i in mine]))
        costs[mine], noises[mine] = readings.cost, readings.noise
    limit = float(np.fmin.reduce(costs + noises)) + 1e-9 * reduced.scale
    kept = [point for point, low in zip(points, costs - noises, strict=True) if low <= limit]
    # What moments cannot tell, because parts of them underflowed, the data will.
    return (kept or points) + extra


def _stationary(
    reduced: ReducedCost, chart: int, readings: Evaluations, best: float
) -> list[float]:
    """Return the minima between readings, all but those that are clearly above the best."""
    u, cost, slope = readings.u, readings.cost, readings.slope
    h = np.diff(u)
    with np.errstate(invalid="ignore", over="ignore"):
        turning = np.flatnonzero((slope[:-1] < 0.0) & (slope[1:] > 0.0))
        t = -slope[turning] / (slope[turning + 1] - slope[turning])
        depth = h[turning] * np.maximum(-slope[turning] * t, slope[turning + 1] * (1.0 - t))
        low = np.minimum(cost[turning], cost[turning + 1]) - depth
        worth = turning[low <= best + 0.1 * max(reduced.scale - best, 0.0)]
    roots = [root(lambda x: reduced.slope(chart, x), float(u[j]), float(u[j + 1])) for j in worth]
    return [_plain(chart, x) for x in roots] + [float(x) for x in u[slope == 0.0]]


def _plain(chart: int, u: float) -> float:
    """Return the simple number that rounding may have meant; the data will say if it did."""
    if abs(u) < 1e-12:
        return 0.0
    w = u if chart == 0 else 1.0 / u
    plain = float(f"{w:.6g}")
    if abs(w - plain) > 1e-11 * abs(w):
        return u
    return plain if chart == 0 else 1.0 / plain


def root(slope: Callable[[float], float], low: float, high: float) -> float:
    """Return where a slope turns from negative to positive.

    The secant through both ends, the weight of an end halved while it stays (Illinois), and a
    bisection whenever three steps have not halved the bracket.
    """
    at_low, at_high = slope(low), slope(high)
    if at_low >= 0.0:
        return low
    if at_high <= 0.0:
        return high
    tolerance = 2.0 * EPSILON * 1e-3 * (high - low)
    before, side, x = high - low, 0, low
    for step in range(1, 200):
        last = x
        x = high - at_high * (high - low) / (at_high - at_low)
        if step % 3 == 0:
            if high - low > 0.5 * before:
                x = 0.5 * (low + high)
            before = high - low
        if not low < x < high or abs(x - last) <= tolerance + 2.0 * EPSILON * abs(x):
            return min(max(x, low), high)
        at_x = slope(x)
        if at_x == 0.0:
            return x
        if at_x < 0.0:
            at_high *= 0.5 if side < 0 else 1.0
            low, at_low, side = x, at_x, -1
        else:
            at_low *= 0.5 if side > 0 else 1.0
            high, at_high, side = x, at_x, 1
    return x
