"""The test for a linear trend, without which a fit takes it for a slow effect or for a delay."""

from collections.abc import Mapping

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.drift import find_lowest, judge_gain_with_drift
from service.engine.fit.judge.findings import Alternative, Finding
from service.engine.fit.judge.structures import judge_gain, list_growth
from service.engine.fit.model import FitProblem
from service.engine.fit.solve import Solution


def find_trend(problem: FitProblem, delays: Mapping[int, Solution]) -> Alternative | None:
    """Return the fit with a trend, if it is clearly better.

    A random walk imitates a trend. The trend must therefore leave errors without a unit root
    (Dickey and Fuller, 1979), and be better also if a part of the errors does not last.

    Parameters
    ----------
    problem
        A fit with one state.
    delays
        Those of `try_delays`. The trend must be better with the given delay, with the best one, and
        with a w_rec above 1 if that of the fit is 1.

    Returns
    -------
    Alternative or None
        The reason has the gain and the p-value.
    """
    if problem.options.trend or not problem.has_offset:
        return None
    best = min(delays, key=lambda delay: delays[delay].criterion.find_coarsely().cost[0])
    present = delays[problem.delay]
    rivals = [present.vary(**each.options) for each in list_growth(problem, present)]
    if best != problem.delay:
        rivals.append(delays[best])
    pairs = [(each, each.vary(trend=True)) for each in (present, *rivals)]
    if not all(_is_better(*pair) for pair in pairs):
        return None
    gain, p = judge_gain(*pairs[0])
    finding = Finding("trend_advised", value=gain, p=p)
    return Alternative(finding, {"trend": True}, Solution(problem.vary(trend=True)))


def _is_better(without: Solution, with_trend: Solution) -> bool:
    """Return True if a trend is clearly better, and its errors are no random walk."""
    _, p = judge_gain(without, with_trend)
    if p >= constants.COMPLEX_ALPHA:
        return False
    if not with_trend.is_colored:
        return True
    sequences = with_trend.problem.sequences
    longest = int(np.max(sequences.has_target.sum(axis=1)))
    if longest * (1.0 - with_trend.rho**sequences.usual_gap) <= constants.UNIT_ROOT:
        return False
    return judge_gain_with_drift(without, with_trend, find_lowest) < constants.COMPLEX_ALPHA
