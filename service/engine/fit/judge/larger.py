"""Larger models that fit clearly better: a season, own time constants, a second time constant.

Each must pass an F test of its further unknowns at ``COMPLEX_ALPHA``, as if the poles were known
and with the noise free, in comparison with the fit and with every simpler model that is
recommended. More time constants must pass it also if a part of the errors does not last. A grid of
the poles suffices to compare.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from service.engine.fit import constants
from service.engine.fit.judge.drift import find_lowest, judge_gain_with_drift
from service.engine.fit.judge.findings import Alternative, Finding
from service.engine.fit.judge.periods import list_periods, repeats
from service.engine.fit.judge.plausibility import is_drift
from service.engine.fit.judge.structures import find_null_noise, judge_gain
from service.engine.fit.model import FitProblem, TimeConstants, shorten
from service.engine.fit.solve import Solution


def find_season(problem: FitProblem) -> Alternative | None:
    """Return the fit with the shortest season that no longer one beats, if it is clearly better.

    Parameters
    ----------
    problem
        A fit without a season.

    Returns
    -------
    Alternative or None
        The season has a usual period of the unit of the steps, at least three of which are
        recorded.
    """
    short = shorten(problem, constants.ENOUGH_TARGETS).vary(noise=find_null_noise(problem))
    before = Solution(short, is_coarse=True)
    best = before
    for length in list_periods(problem):
        season = (length, _find_harmonics(problem, length, best.problem.options.season))
        other = Solution(short.vary(season=season), is_coarse=True)
        if _is_better(before, other) and _is_better(best, other):
            best = other
    if best is before or best.problem.options.season is None:
        return None
    period, _ = season = best.problem.options.season
    gain, p = judge_gain(before, best)
    finding = Finding("season_advised", lag=period, value=gain, p=p)
    return Alternative(finding, {"season": season}, Solution(problem.vary(season=season)))


def _find_harmonics(problem: FitProblem, period: int, shorter: tuple[int, int] | None) -> int:
    """Return the number of harmonics to try, which includes those of a much shorter season.

    Three harmonics of a week do not describe its days.
    """
    few = min(period // 2, constants.MAX_HARMONICS)
    if shorter is None:
        return few
    length, n_harmonics = shorter
    n_times, rest = divmod(period, length)
    n_all = n_times * n_harmonics
    has_all = rest == 0 and n_times > few and repeats(problem, period, n_all)
    return n_all if has_all else few


def find_time_constants(problem: FitProblem, colored: Solution) -> Alternative | None:
    """Return the fit with more time constants, if it is clearly better.

    Starts with a second decay imitate autocorrelated noise. It must therefore also be better than a
    fit in which no input acts on the second state.

    Parameters
    ----------
    problem
        The fit.
    colored
        Its solution with the noise with which models are compared.

    Returns
    -------
    Alternative or None
        With a time constant for each input, or two for all of them.
    """
    short = shorten(colored.problem, constants.ENOUGH_TARGETS)
    before = colored if short is colored.problem else Solution(short)
    best = None
    find = cache(find_lowest)
    for reason, time_constants in _list_time_constants(short).items():
        other = _search(short, time_constants)
        smaller = _list_smaller(before, best and best.colored)
        is_better = all(_is_better_than_drift(each, other, find) for each in smaller)
        if is_better and not is_drift(before, other):
            finding = Finding(reason, None, None, *judge_gain(before, other))
            changes = {"time_constants": time_constants}
            best = Alternative(finding, changes, _search(problem, time_constants), other)
    return best


def is_larger_better(
    larger: Solution, rivals: Sequence[Mapping[str, Any]], delays: Mapping[int, Solution]
) -> bool:
    """Return True if more time constants are better than every simpler change.

    Parameters
    ----------
    larger
        The fit with more time constants.
    rivals
        The options of simpler changes. The delay that fits best is another one.
    delays
        Those of `try_delays` for a single time constant.
    """
    best = min(delays, key=lambda delay: delays[delay].criterion.find_coarsely().cost[0])
    of_best = delays[best].problem
    larger = larger.vary(initial_state=of_best.options.initial_state)
    problem = larger.problem.vary(time_constants=1)
    for options in [{"delay": (best, best)}, *rivals]:
        delay, skip = options.get("delay", problem.options.delay)
        skip = max(skip, of_best.options.delay[1]) if "delay" in options else skip
        changed = problem.vary(**{**options, "delay": (delay, skip)})
        rival = Solution(changed, has_profile="w_rec" in options)
        if not _is_better(rival, larger.vary(delay=(problem.delay, skip))):
            return False
    return True


def _is_better(smaller: Solution, larger: Solution) -> bool:
    """Return True if the further unknowns of a larger fit pass the F test."""
    _, p = judge_gain(smaller, larger)
    return p < constants.COMPLEX_ALPHA


def _is_better_than_drift(
    smaller: Solution, larger: Solution, find: Callable[[Solution, bool], float]
) -> bool:
    """Return True if more time constants pass the F test, also with errors that drift."""
    is_better = _is_better(smaller, larger)
    if not is_better or not larger.is_colored:
        return is_better
    return judge_gain_with_drift(smaller, larger, find) < constants.COMPLEX_ALPHA


def _search(problem: FitProblem, time_constants: TimeConstants) -> Solution:
    """Return the fit with other time constants, from a grid of their poles."""
    return Solution(problem.vary(time_constants=time_constants), is_coarse=True)


def _list_lasting(problem: FitProblem) -> tuple[str, ...]:
    """Return the names of the inputs with a memory."""
    names = problem.record.input_names
    return tuple(name for name in names if name not in problem.options.direct)


def _list_time_constants(problem: FitProblem) -> dict[str, TimeConstants]:
    """Return the time constants to try, by the reason to recommend them, the simpler first."""
    options = problem.options
    low, high = options.w_rec
    is_split = isinstance(options.initial_state, str) or options.initial_state == 0.0
    has_one = problem.unknowns.n_states == 1 and not problem.unknowns.has_own_gains
    if not has_one or not is_split or not -1.0 <= low < high <= 1.0:
        return {}
    n_lasting = len(_list_lasting(problem))
    choices: dict[str, TimeConstants] = {}
    if 2 <= n_lasting <= max(constants.SCAN_GAPS):
        choices["own_time_constants_advised"] = "per_input"
    if n_lasting > 0 or (problem.has_unknown_start and not len(problem.is_free)):
        choices["second_time_constant_advised"] = 2
    return choices


def _list_smaller(before: Solution, best: Solution | None) -> Iterator[Solution]:
    """Yield the fits with which a larger one is compared."""
    yield before
    if best is not None:
        yield best
    lasting = _list_lasting(before.problem)
    if lasting and before.problem.has_unknown_start:
        yield _search(before.problem, (lasting, ()))
