"""Inputs that are detected by themselves although all inputs together are not.

Inputs without an effect hide the effect of another one in the test of all together. An input is
detected by itself if two tests agree: its t test in the fit with ar1 noise, by the procedure of S.
Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics
6 (1979), 65-70, and the test against drift in the fit without the other inputs.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.fit import constants
from service.engine.fit.judge.effects import judge_effect
from service.engine.fit.model import FitProblem
from service.engine.fit.solve import Solution, linearize
from service.engine.types import Array


class Alone(NamedTuple):
    """The tests of single inputs."""

    p: Array  # (q,), given all others; nan for known gains
    is_detected: NDArray[np.bool_]  # (q,)
    options: Mapping[str, Any]  # the fields of `FitOptions` of the fit without the other inputs


def find_alone(colored: Solution) -> Alone:
    """Test each input by itself.

    Parameters
    ----------
    colored
        The fit in which all inputs together are not detected, with the noise with which effects are
        judged.

    Returns
    -------
    Alone
        Without options if no input is detected, or if there are several states or own gains.
    """
    problem = colored.problem
    is_free = problem.is_free
    p = np.full(len(is_free), np.nan)
    p[is_free] = linearize(colored.criterion, colored.best).test_inputs()
    is_detected = _reject(p)
    is_other = problem.unknowns.n_states > 1 or problem.unknowns.has_own_gains
    if is_other or not is_detected.any() or is_detected[is_free].all():
        return Alone(p, is_detected & is_other, {})
    options = _leave_out(problem, is_detected)
    effect = judge_effect(problem.vary(**options))
    of_effect = 1.0 if effect is None else effect.p
    # With many inputs, a p-value cannot be as small as a part of the level.
    least = 1.0 / (constants.EFFECT_SIMULATIONS + 1)
    level = max(constants.EFFECT_ALPHA / np.count_nonzero(is_free), least)
    p[is_detected] = np.maximum(p[is_detected], of_effect)
    if of_effect > level:
        return Alone(p, np.zeros_like(is_detected), {})
    return Alone(p, is_detected, options)


def _reject(p: Array) -> NDArray[np.bool_]:
    """Return which of some hypotheses (q,) Holm's procedure rejects; nan stands for none."""
    order = np.argsort(p)
    n_left = np.count_nonzero(~np.isnan(p)) - np.arange(len(p))
    rejects = np.logical_and.accumulate(p[order] * n_left <= constants.EFFECT_ALPHA)
    is_rejected = np.zeros(len(p), bool)
    is_rejected[order[rejects]] = True
    return is_rejected


def _leave_out(problem: FitProblem, is_kept: NDArray[np.bool_]) -> dict[str, Any]:
    """Return the options that leave some of the inputs (q,) out; squares stay with their inputs."""
    kept = {
        name.removesuffix("²") if name not in problem.record.input_names else name
        for name, keeps in zip(problem.series.input_names, is_kept, strict=True)
        if keeps
    }
    left_out = [name for name in problem.record.input_names if name not in kept]
    options = problem.options
    changes: dict[str, Any] = {"gains": dict.fromkeys(left_out, 0.0) | dict(options.gains)}
    curves = tuple(name for name in options.curves if name in kept)
    return changes if curves == options.curves else changes | {"curves": curves}
