"""The verdict on fits of simulated series: ``python -m benchmarks.verdict [--problems N] [GROUP]``.

For each case it prints the rate of rejections with their reasons, and the coverage of intervals: of
the fit, of trusted fits, with ar1 noise, and after the first recommendation. It also prints the
median increase in width of intervals with ar1 noise.
"""

import argparse
import math
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final

import numpy as np

from benchmarks.verdict_cases import ALL, Case
from service.engine.data import Series
from service.engine.fit import FitOptions, Result, fit
from service.engine.profile import Bounds

N_PROBLEMS: Final = 100
SEED: Final = 5
ADVICE: Final = ("delay_advised", "range_advised", "offset_advised")


@dataclass(frozen=True)
class Judgment:
    """The verdict on one problem; coverage is None if there is no such interval."""

    reasons: tuple[str, ...]
    covers: bool
    judged_covers: bool  # of the interval that is judged
    cautious_covers: bool | None
    widening: float | None  # the width of the cautious interval, divided by that of the interval
    advised_covers: bool | None
    visible_inputs: tuple[bool, ...]
    advice: str | None  # the first recommendation
    advised_reasons: tuple[str, ...] | None  # of the fit with it
    fast_covers: bool | None  # of the second state
    gain_covers: bool | None

    @property
    def is_refused(self) -> bool:
        """True if a test or a better structure rejects the model."""
        return bool(set(self.reasons) - {"no_visible_effect", "not_identifiable"})


def judge(case: Case, number: int) -> Judgment:
    """Fit the problem of a case with this number, and follow the first recommendation."""
    draws = np.random.default_rng([SEED, zlib.crc32(case.name.encode()), number])
    series = case.draw(draws)
    result = fit(series, case.options)
    trust = result.verdict.trust
    advised = follow_advice(series, case.options, result)
    effects = [effect for effect in result.verdict.fit.input_effects if effect is not None]
    return Judgment(
        tuple(trust.reasons),
        holds(result.solution.intervals_of_states[0], case.w_rec),
        holds(result.verdict.fit.judged.intervals_of_states[0], case.w_rec),
        None if trust.cautious is None else holds(trust.cautious, case.w_rec),
        None
        if trust.cautious is None
        else width(trust.cautious) / width(result.solution.intervals),
        None if advised is None else holds(advised.solution.intervals, case.w_rec),
        tuple(effect.visible for effect in effects),
        result.verdict.alternatives[0].reason if result.verdict.alternatives else None,
        None if advised is None else tuple(advised.verdict.trust.reasons),
        None if math.isnan(case.fast) else holds(result.solution.intervals_of_states[1], case.fast),
        None if math.isnan(case.gain) else holds([gain_interval(result)], case.gain),
    )


def gain_interval(result: Result) -> Bounds:
    """Return the interval of the steady-state gain of the first input; open where it has no end."""
    _, low, high = result.parameters.steady_state_gains[0].tolist()
    return Bounds(
        -math.inf if math.isnan(low) else low,
        math.inf if math.isnan(high) else high,
    )


def holds(intervals: Sequence[Bounds], w_rec: float) -> bool:
    """Return True if one of the intervals contains a value."""
    return any(low <= w_rec <= high for low, high in intervals)


def width(intervals: Sequence[Bounds]) -> float:
    """Return the total width of all intervals."""
    return sum(high - low for low, high in intervals)


def follow_advice(series: Series, options: FitOptions, result: Result) -> Result | None:
    """Return the fit with the options of the first alternative; None if there is none."""
    if not result.verdict.alternatives:
        return None
    changes: Mapping[str, Any] = result.verdict.alternatives[0].options
    return fit(series, replace(options, **changes))


def percent(values: Sequence[bool]) -> str:
    """Return the fraction of true values; a dash if there are none."""
    return f"{100.0 * sum(values) / len(values):.0f}" if values else "–"


def count_slugs(lists: Iterable[Sequence[str]]) -> str:
    """Return the most common slugs with their rates in percent."""
    items = list(lists)
    slugs = Counter(slug for each in items for slug in each)
    return ", ".join(f"{slug} {100 * n / len(items):.0f}" for slug, n in slugs.most_common(4))


def format_row(case: Case, judgments: Sequence[Judgment]) -> str:
    """Return a line of the table."""
    wider = [judgment.widening for judgment in judgments if judgment.widening is not None]
    trusted = [judgment for judgment in judgments if not judgment.reasons]
    cells = [
        case.name,
        str(len(judgments)),
        percent([judgment.is_refused for judgment in judgments]),
        percent(["no_visible_effect" in judgment.reasons for judgment in judgments]),
        percent([not judgment.reasons for judgment in judgments]),
        percent([judgment.covers for judgment in judgments]),
        percent([judgment.judged_covers for judgment in trusted]),
        percent([j.cautious_covers for j in judgments if j.cautious_covers is not None]),
        f"{100.0 * (median(wider) - 1.0):.0f}" if wider else "–",
        percent([j.advised_covers for j in judgments if j.advised_covers is not None]),
        percent([not (j.reasons if j.advice is None else j.advised_reasons) for j in judgments]),
        percent([any(j.visible_inputs) for j in judgments]),
        " / ".join(
            percent(column) for column in zip(*(j.visible_inputs for j in judgments), strict=False)
        ),
        percent([j.fast_covers for j in judgments if j.fast_covers is not None]),
        percent([j.gain_covers for j in judgments if j.gain_covers is not None]),
        count_slugs([judgment.advice] if judgment.advice else [] for judgment in judgments),
        count_slugs(judgment.reasons for judgment in judgments),
    ]
    return f"| {' | '.join(cells)} |"


COLUMNS: Final = (
    *(
        "n",
        "rejected",
        "invisible",
        "trusted",
        "covered",
        "where trusted",
        "ar1",
        "wider",
        "as advised",
        "trusted at last",
        "any visible",
        "visible",
        "fast",
        "gain",
    ),
    *("advice", "reasons"),
)


def format_header(group: str) -> str:
    """Return the first two lines of the table of a group."""
    return f"| {' | '.join((group, *COLUMNS))} |\n|{' --- |' * (1 + len(COLUMNS))}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=N_PROBLEMS, help="problems of each case")
    groups = list(dict.fromkeys(case.group for case in ALL))
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"some of {', '.join(groups)}")
    arguments = parser.parse_args()
    unknown = set(arguments.groups) - set(groups)
    if unknown:
        parser.error(f"no group is called {' or '.join(sorted(unknown))}")
    for group in arguments.groups or groups:
        print(f"\n{format_header(group)}")
        for case in ALL:
            if case.group == group:
                judgments = [judge(case, number) for number in range(arguments.problems)]
                print(format_row(case, judgments))
                sys.stdout.flush()


if __name__ == "__main__":
    main()
