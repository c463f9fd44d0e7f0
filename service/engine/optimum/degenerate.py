"""Data whose optimum needs no search."""

from dataclasses import replace
from math import inf

import numpy as np

from service.engine.data import Moments
from service.engine.optimum.initial_state import meeting
from service.engine.optimum.refinement import FitProblem, simple
from service.engine.optimum.result import Optimum, answer, described, weighed
from service.engine.types import Array, Weights


def without_inputs(targets: Array, initial_state: float, n_steps: int) -> Optimum:
    """Minimise the mean of (s0 w^T - t)²; w_in does nothing."""
    rows = FitProblem(np.zeros((len(targets), 1)), targets, n_steps - 1, n_steps, initial_state)
    if initial_state == 0.0:
        return weighed(rows, 0.0, 1.0, unique=False)
    ratio = float(np.mean(targets)) / initial_state
    if ratio < 0.0 and n_steps % 2 == 0:
        ratio = 0.0
    root = simple(float(np.sign(ratio)) * abs(ratio) ** (1.0 / n_steps))
    return weighed(rows, 0.0, root, unique=False)


def without_targets(rows: FitProblem, moments: Moments) -> Optimum:
    """All targets are 0: so is the cost of a network that forgets everything."""
    if rows.initial_state == 0.0:
        return described(Weights(0.0, 1.0), 0.0, 0, -inf, unique=False)
    # Any w_in will do at w_rec = 0 if no last input counts; elsewhere all outputs may cancel.
    alone = rows.first_power == 0 and bool(rows.inputs[:, -1].any())
    unique = alone and not identical(rows) and not meeting(rows, moments)
    return described(Weights(0.0, 0.0), 0.0, 0, -inf, unique=unique)


def identical(rows: FitProblem) -> bool:
    """Tell whether all sequences are equal."""
    first, last = rows.inputs[0], rows.inputs[-1]
    return np.array_equal(first, last) and not np.ptp(rows.inputs, axis=0).any()


def one_step(rows: FitProblem) -> Optimum:
    """T = 1 with an initial state: the outputs w_in x + s0 w_rec are linear in both weights."""
    x, s0 = rows.inputs[:, 0], rows.initial_state
    mean, middle = float(np.mean(rows.targets)), float(np.mean(x))
    w_in = simple(float((x - middle) @ (rows.targets - mean) / ((x - middle) @ (x - middle))))
    return weighed(rows, w_in, simple((mean - w_in * middle) / s0), unique=True)


def same_inputs(rows: FitProblem) -> Optimum:
    """All sequences are equal, so all outputs are: the mean target is the best one."""
    one = replace(rows, inputs=rows.inputs[:1], targets=rows.targets[:1])
    largest = float(np.abs(one.inputs).max())
    for w_rec in (1.0, -1.0, 0.5, 2.0, -0.5, -2.0, *np.geomspace(0.75, 1.25, 4001).tolist()):
        place = (0, w_rec) if abs(w_rec) <= 1.0 else (1, 1.0 / w_rec)
        if abs(one.values(*place)[0]) > 1e-6 * largest:
            break
    found = replace(answer(rows, rows.fit(*place)), unique=False)
    if rows.initial_state == 0.0:
        return found
    enough = found.cost - 1e-9 * found.cost - 1e-28 * float(rows.targets @ rows.targets)
    # Beside a large state the targets have few digits: there it is better made small, too.
    others = [other for other in _faded(rows) if other.cost < enough]
    return min(others, key=lambda other: other.cost, default=found)


def _faded(rows: FitProblem) -> list[Optimum]:
    """Fit equal sequences where the initial state has become as small as the mean target."""
    ratio = float(np.mean(rows.targets)) / rows.initial_state
    size = abs(ratio) ** (1.0 / rows.n_steps)
    alone = ratio >= 0.0 or rows.n_steps % 2 == 1
    found = (
        [weighed(rows, 0.0, simple(float(np.sign(ratio)) * size), unique=False)] if alone else []
    )
    for w_rec in (size, -size, 0.5 * size, -0.5 * size, 0.0):
        place = (0, w_rec) if abs(w_rec) <= 1.0 else (1, 1.0 / w_rec)
        if rows.values(*place)[0] != 0.0 and (w_rec != 0.0 or rows.first_power == 0):
            found.append(replace(answer(rows, rows.fit(*place)), unique=False))
    return found
