"""The exact global minimum of the cost without an activation, found without iterating over it.

Whatever w_rec is, the best w_in solves a linear problem; what is left is the search for the
lowest point of a rational function of w_rec, infinity included.
"""

from dataclasses import dataclass, replace
from math import frexp, inf, ldexp, log10, nan

import numpy as np

from service.engine.compensated import scaled_power
from service.engine.moments import Moments
from service.engine.optimum_search import Point, search
from service.engine.residuals import EPSILON, Fit, Rows, simple
from service.engine.types import Array, Weights


@dataclass(frozen=True)
class Optimum:
    """Where the cost is lowest.

    weights
        The minimiser; of several the one whose |w_rec| is closest to 1 by ratio, positive before
        negative. Where no weights attain the infimum, the limits of weights that approach it:
        nan for w_in where it grows without bound, nan for both where w_rec does. Also nan for a
        w_in that is beyond float64.
    cost
        The minimum, or the infimum; inf beyond float64.
    log10_cost
        Its logarithm; -inf where it is 0.
    attained
        Whether any weights have this cost.
    unique
        Whether exactly one pair of weights has it.
    w_in_sign, log10_abs_w_in
        The minimiser's w_in, whatever its size. Where the infimum is not attained the sign is 0
        and the logarithm inf or -inf, as w_in grows or vanishes.
    """

    weights: Weights
    cost: float
    log10_cost: float
    attained: bool
    unique: bool
    w_in_sign: int
    log10_abs_w_in: float


def optimum(
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
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        moments = moments or Moments.of(inputs, targets)
    powers = _powers_of_two(inputs, targets, initial_state, moments)
    if powers is not None:
        return _rescaled(inputs, targets, initial_state, powers)
    first, last = _filled(inputs)
    if first > last:
        return _without_inputs(targets, initial_state, inputs.shape[1])
    rows = Rows(
        inputs[:, first : last + 1],
        targets,
        inputs.shape[1] - 1 - last,
        inputs.shape[1],
        initial_state,
    )
    if not targets.any():
        return _without_targets(rows)
    if np.array_equal(rows.inputs[0], rows.inputs[-1]) and not np.ptp(rows.inputs, axis=0).any():
        return _same_inputs(rows)
    if initial_state != 0.0 and rows.n_steps == 1:
        return _one_step(rows)
    return _searched(rows, moments)


def valley(moments: Moments, w_rec: Array, initial_state: float = 0.0) -> Array:
    """Return the best w_in for each w_rec, both of one shape; nan where every w_in is as good."""
    n_steps = moments.n_steps
    w = np.asarray(w_rec, dtype=np.float64)
    outside = np.abs(w) > 1.0
    with np.errstate(all="ignore"):
        u = np.where(outside, 1.0 / w, w)
        a, b, m = (
            np.where(
                outside,
                np.polynomial.polynomial.polyval(u, each[::-1]),
                np.polynomial.polynomial.polyval(u, each),
            )
            for each in (moments.input_square, moments.input_target, moments.input_mean)
        )
        # Beyond 1 all three lack the power T - 1 of w_rec, a twice.
        shrunk = np.where(outside, u ** (n_steps - 1), 1.0)
        state = initial_state * np.where(outside, w, w**n_steps)
        best = (b * shrunk - state * m) / a
    return np.where(a > 0.0, best, nan)


def _filled(inputs: Array) -> tuple[int, int]:
    """Return the first and last column with a number other than 0; first > last if none."""
    first, last = 0, inputs.shape[1] - 1
    while first <= last and not (inputs[:100, first].any() or inputs[:, first].any()):
        first += 1
    while first <= last and not (inputs[:100, last].any() or inputs[:, last].any()):
        last -= 1
    return first, last


def _searched(rows: Rows, moments: Moments) -> Optimum:
    """Find the minimum in general: search, polish on the data, compare."""
    found = search(rows, moments)
    if found.flat is not None and not found.roots:
        return replace(_answer(rows, rows.fit(*found.flat)), unique=False)
    candidates = [found.flat] if found.flat is not None else found.candidates
    attained, limits = [], []
    for point in candidates:
        root = next((each for each in found.roots if each.distance(point) < 1e-7), None)
        if root is not None:
            fit = found.rows.fit(*root)
            if _is_minimum(fit):
                limits.append(fit)
                continue
        fit = rows.polish(*point)
        if fit.u == 0.0 and _power_at_zero(rows, fit.chart) > 0 and not _vanishing(fit, rows):
            limits.append(fit)
        else:
            attained.append(fit)
    return _compared(rows, attained, limits, flat=found.flat is not None)


def _power_at_zero(rows: Rows, chart: int) -> int:
    return rows.first_power if chart == 0 else rows.last_power


def _is_minimum(fit: Fit) -> bool:
    """Tell whether a step to the minimum would gain nothing that counts."""
    if not fit.curvature > 0.0:
        return False
    return 0.5 * fit.slope**2 / fit.curvature <= 1e-9 * fit.cost + 1e-26 * fit.magnitude


def _vanishing(fit: Fit, rows: Rows) -> bool:
    """Tell whether the fit does without the inputs."""
    return fit.scale == 0.0 or abs(fit.scale) * float(np.abs(rows.inputs).max()) < 1e-15 * float(
        np.abs(rows.targets).max()
    )


def _compared(rows: Rows, attained: list[Fit], limits: list[Fit], *, flat: bool) -> Optimum:
    """Choose the lowest cost; of equal ones the weights that come first."""
    lowest = min(fit.cost for fit in attained + limits)
    floor = lowest * (1.0 + 1e-6) + 1e-20 * max(fit.magnitude for fit in attained + limits)
    answers = [(fit, _answer(rows, fit)) for fit in attained if fit.cost <= floor]
    limit = min(limits, key=lambda fit: fit.cost, default=None)
    size = float(rows.targets @ rows.targets) / len(rows.targets)
    rounding = (8.0 * EPSILON * rows.n_steps) ** 2 * size
    best = min((answer.cost for _, answer in answers), default=inf)
    if limit is not None and limit.cost < best * (1.0 - 1e-9) - rounding:
        return _limit(limit)
    ties = [
        (fit, answer) for fit, answer in answers if answer.cost <= best * (1.0 + 1e-9) + rounding
    ]
    places: list[Point] = []
    for fit, _ in ties:
        point = Point(fit.chart, fit.u)
        if all(point.distance(other) > 1e-9 for other in places):
            places.append(point)
    _, answer = min(ties, key=lambda tie: (Point(tie[0].chart, tie[0].u).turns(), tie[1].cost))
    return replace(answer, unique=answer.unique and len(places) == 1 and not flat)


def _answer(rows: Rows, fit: Fit) -> Optimum:
    """Turn a fit into weights and the cost that those very weights have."""
    w_rec = _float_w_rec(fit)
    power = _power_at_zero(rows, fit.chart)
    sign = int(np.sign(fit.scale))
    cost = fit.cost
    if sign == 0:
        return _optimum(Weights(0.0, w_rec), cost, 0, -inf, unique=power == 0 or fit.u != 0.0)
    turns = log10(abs(fit.u)) if fit.u != 0.0 else 0.0
    size = log10(abs(fit.scale)) + (-power if fit.chart == 0 else power) * turns
    if abs(size) >= 307.6:
        return _optimum(Weights(nan, w_rec), cost, sign, size)
    w_in = _unscaled(fit.scale, w_rec, power)
    rough = 1e-10 if rows.inputs.size <= 1_000_000 else 1e-14
    exact = cost == 0.0 or (cost < 1e-26 * fit.magnitude and rows.inputs.size > 1_000_000)
    if cost < rough * fit.magnitude and not exact:
        w_in, cost = rows.refined(w_in, w_rec)
    return _optimum(Weights(w_in, w_rec), cost, sign, log10(abs(w_in)))


def _float_w_rec(fit: Fit) -> float:
    return fit.u if fit.chart == 0 else simple(1.0 / fit.u)


def _unscaled(scale: float, w_rec: float, power: int) -> float:
    """Return scale / w_rec ** power, where that is a float but its parts may not be."""
    divisor, exponent = scaled_power(w_rec, power)
    return ldexp(scale / divisor.high, -exponent)


def _limit(fit: Fit) -> Optimum:
    """Describe an infimum that no weights attain."""
    if fit.chart == 1 and fit.u == 0.0:
        return _optimum(Weights(nan, nan), fit.cost, 0, -inf, attained=False)
    return _optimum(Weights(nan, _float_w_rec(fit)), fit.cost, 0, inf, attained=False)


def _optimum(
    weights: Weights,
    cost: float,
    sign: int,
    size: float,
    *,
    attained: bool = True,
    unique: bool = True,
) -> Optimum:
    log_cost = log10(cost) if cost > 0.0 else -inf
    return Optimum(weights, cost, log_cost, attained, unique and attained, sign, size)


def _of(rows: Rows, w_in: float, w_rec: float, *, unique: bool) -> Optimum:
    """Return weights with the cost they have."""
    w_in, cost = rows.refined(w_in, w_rec)
    size = log10(abs(w_in)) if w_in != 0.0 else -inf
    return _optimum(Weights(w_in, w_rec), cost, int(np.sign(w_in)), size, unique=unique)


def _without_inputs(targets: Array, initial_state: float, n_steps: int) -> Optimum:
    """Minimise the mean of (s0 w^T - t)²; w_in does nothing."""
    rows = Rows(np.zeros((len(targets), 1)), targets, n_steps - 1, n_steps, initial_state)
    if initial_state == 0.0:
        return _of(rows, 0.0, 1.0, unique=False)
    ratio = float(np.mean(targets)) / initial_state
    if ratio < 0.0 and n_steps % 2 == 0:
        ratio = 0.0
    root = simple(float(np.sign(ratio)) * abs(ratio) ** (1.0 / n_steps))
    return _of(rows, 0.0, root, unique=False)


def _without_targets(rows: Rows) -> Optimum:
    """All targets are 0: so is the cost of a network that forgets everything."""
    if rows.initial_state == 0.0:
        return _optimum(Weights(0.0, 1.0), 0.0, 0, -inf, unique=False)
    last = rows.inputs[:, -1]
    alone = rows.first_power == 0 and bool(np.any(rows.inputs != rows.inputs[0]))
    return _optimum(Weights(0.0, 0.0), 0.0, 0, -inf, unique=alone and bool(last.any()))


def _one_step(rows: Rows) -> Optimum:
    """T = 1 with an initial state: the outputs w_in x + s0 w_rec are linear in both weights."""
    x, s0 = rows.inputs[:, 0], rows.initial_state
    mean, middle = float(np.mean(rows.targets)), float(np.mean(x))
    w_in = simple(float((x - middle) @ (rows.targets - mean) / ((x - middle) @ (x - middle))))
    return _of(rows, w_in, simple((mean - w_in * middle) / s0), unique=True)


def _same_inputs(rows: Rows) -> Optimum:
    """All sequences are equal, so all outputs are: the mean target is the best one."""
    one = replace(rows, inputs=rows.inputs[:1], targets=rows.targets[:1])
    largest = float(np.abs(one.inputs).max())
    for w_rec in (1.0, -1.0, 0.5, 2.0, -0.5, -2.0, *np.geomspace(0.6, 1.6, 4001).tolist()):
        place = (0, w_rec) if abs(w_rec) <= 1.0 else (1, 1.0 / w_rec)
        if abs(one.values(*place)[0, 0]) > 1e-6 * largest:
            break
    return replace(_answer(rows, rows.fit(*place)), unique=False)


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
    inner = optimum(
        np.ldexp(inputs, -of_inputs),
        np.ldexp(targets, -of_targets),
        ldexp(initial_state, -of_targets),
    )
    shift = of_targets - of_inputs
    w_in, w_rec = inner.weights
    size = inner.log10_abs_w_in + shift * log10(2.0)
    fits = inner.w_in_sign == 0 or abs(size) < 307.6
    with np.errstate(over="ignore"):
        cost = float(np.ldexp(inner.cost, 2 * of_targets))
    return replace(
        inner,
        weights=Weights(ldexp(w_in, shift) if fits else nan, w_rec),
        cost=cost,
        log10_cost=inner.log10_cost + 2 * of_targets * log10(2.0),
        log10_abs_w_in=size,
    )
