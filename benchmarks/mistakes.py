"""Ordinary mistakes in tables: ``python -m benchmarks.mistakes [--problems N] [NAME]``.

Each situation is a correct model whose table was made with a mistake. As a person would, the
recommendations are followed until there is none. The answer is sure if no reason is left, and wrong
if the interval of w_rec or of the steady-state gain does not contain the true value.
"""

import argparse
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from benchmarks.verdict import gain_interval, holds
from benchmarks.verdict_cases import Array, Draws, autoregression, make_series, respond
from service.engine.data import Series, Step
from service.engine.fit import FitOptions, Result, fit

N_PROBLEMS: Final = 40
SEED: Final = 6
N_STEPS: Final = 200
W_REC: Final = 0.8
GAIN: Final = 1.0 / (1.0 - W_REC)
NOISE: Final = 0.4  # relative to the response, whose standard deviation is about 2.6
MOST_CHANGES: Final = 4
COLUMNS: Final = (
    *("situation", "sure and wrong", "without a caution", "sure and right", "doubted"),
    "findings",
)

Table: TypeAlias = tuple[Array, Array]  # inputs (T,) or (T, q), and targets (T,)
Design: TypeAlias = Callable[[Draws], Table]


@dataclass(frozen=True)
class Mistake:
    """A situation.

    Attributes
    ----------
    name
        The label in the table.
    draw
        Returns the columns of a table.
    w_recs
        The true weights: of several, one may be estimated.
    gains
        The true steady-state gains of the first input.
    step
        The step of the table.
    """

    name: str
    draw: Design
    w_recs: tuple[float, ...] = (W_REC,)
    gains: tuple[float, ...] = (GAIN,)
    step: Step = field(default_factory=Step)


class Outcome(NamedTuple):
    """The answer after all recommendations."""

    is_sure: bool
    is_right: bool
    has_cautions: bool
    slugs: tuple[str, ...]


def table(draws: Draws, n_steps: int = N_STEPS, w_rec: float = W_REC, gain: float = 1.0) -> Table:
    """Return a correct table: a positive input, and the response to it with white noise."""
    x = 3.0 + autoregression(draws, n_steps, 0.5)
    response = gain * respond(w_rec, x, 3.0 / (1.0 - w_rec))
    return x, 5.0 + response + NOISE * response.std() * draws.normal(size=n_steps)


def changed(change: Callable[[Draws, Array, Array], Table]) -> Design:
    """Return the design of a mistake in a correct table."""
    return lambda draws: change(draws, *table(draws))


def feed_back(draws: Draws, rho: float) -> Table:
    """Return a table whose input reacts to the disturbance of its step."""
    noise = autoregression(draws, N_STEPS, rho)
    x = 3.0 + autoregression(draws, N_STEPS, 0.5) - 0.7 * noise
    return x, 5.0 + respond(W_REC, x, 15.0) + noise


def change_weight(draws: Draws) -> Table:
    """Return a table whose w_rec is 0.6, and 0.9 in the second half."""
    x = 3.0 + autoregression(draws, N_STEPS, 0.5)
    first = respond(0.6, x[: N_STEPS // 2], 7.5)
    response = np.concatenate([first, respond(0.9, x[N_STEPS // 2 :], first[-1])])
    return x, 5.0 + response + 1.0 * draws.normal(size=N_STEPS)


def change_gain(draws: Draws) -> Table:
    """Return a table whose input acts twice as much in the second half."""
    x = 3.0 + autoregression(draws, N_STEPS, 0.5)
    response = respond(W_REC, x * np.where(np.arange(N_STEPS) < N_STEPS // 2, 1.0, 2.0), 15.0)
    return x, 5.0 + response + 1.0 * draws.normal(size=N_STEPS)


def holidays(draws: Draws) -> Table:
    """Return three years of weeks with sales of holidays, and advertising before them."""
    weeks = np.arange(156) % 52
    x = 3.0 + autoregression(draws, 156, 0.5) + 3.0 * np.isin(weeks, (47, 48, 49))
    response = respond(W_REC, x, 15.0)
    sales = 8.0 * np.isin(weeks, (50, 51))
    return x, 5.0 + response + sales + 1.0 * draws.normal(size=156)


def average(draws: Draws) -> Table:
    """Return means of four steps."""
    x, y = table(draws, 4 * N_STEPS)
    return x.reshape(-1, 4).mean(axis=1), y.reshape(-1, 4).mean(axis=1)


def thin(draws: Draws) -> Table:
    """Return every fourth row."""
    x, y = table(draws, 4 * N_STEPS)
    return x[3::4], y[3::4]


def two_lags(draws: Draws) -> Table:
    """Return a table with two inputs, of which the second takes effect after four steps."""
    x = 3.0 + np.stack([autoregression(draws, N_STEPS, 0.5) for _ in range(2)], axis=1)
    late = np.concatenate([np.full(4, 3.0), x[:-4, 1]])
    response = respond(W_REC, x[:, 0] + late, 30.0)
    return x, 5.0 + response + NOISE * response.std() * draws.normal(size=N_STEPS)


def mix(draws: Draws) -> Table:
    """Return the rows of two records with different levels in turns."""
    first, second = table(draws, N_STEPS // 2), table(draws, N_STEPS // 2)
    x = np.stack([first[0], second[0]], axis=1).ravel()
    return x, np.stack([first[1], second[1] + 4.0], axis=1).ravel()


def append(draws: Draws) -> Table:
    """Return four records with different levels, one after another."""
    parts = [table(draws, N_STEPS // 4) for _ in range(4)]
    x = np.concatenate([x for x, _ in parts])
    return x, np.concatenate([y + 3.0 * draws.normal() for _, y in parts])


def repeat(draws: Draws, x: Array, y: Array) -> Table:
    """Return the table with a tenth of its rows twice."""
    rows = np.repeat(np.arange(len(y)), 1 + (draws.random(len(y)) < 0.1))
    return x[rows], y[rows]


def interpolate(_: Draws, x: Array, y: Array) -> Table:
    """Return the table with lines through every fourth target."""
    steps = np.arange(len(y))
    return x, np.interp(steps, steps[::4], y[::4])


def omit_cause(draws: Draws) -> Table:
    """Return a table without one of two inputs, which correlate."""
    common = autoregression(draws, N_STEPS, 0.5)
    first, second = (3.0 + common + 0.7 * draws.normal(size=N_STEPS) for _ in range(2))
    response = respond(W_REC, first, 15.0) + 1.5 * respond(0.3, second, 4.0)
    return first, 5.0 + response + 1.0 * draws.normal(size=N_STEPS)


def replace_some(
    values: Array, draws: Draws, share: float, by: Callable[[Array], Array] = np.zeros_like
) -> Array:
    """Return the values, of which a share is replaced."""
    return np.where(draws.random(len(values)) < share, by(values), values)


def from_half(values: Array, then: Callable[[Array], Array]) -> Array:
    """Return the values, of which the second half is changed."""
    return np.where(np.arange(len(values)) < len(values) // 2, values, then(values))


SLOPE: Final = np.linspace(0.0, 8.0, N_STEPS)

MISTAKES: Final = (
    Mistake("no mistake", table),
    Mistake(
        "a sensor clipped at its upper quarter",
        changed(lambda _, x, y: (x, np.minimum(y, np.quantile(y, 0.75)))),
    ),
    Mistake("the target is stamped a step too early", changed(lambda _, x, y: (x[:-1], y[1:]))),
    Mistake("the input is stamped three steps too early", changed(lambda _, x, y: (x[3:], y[:-3]))),
    Mistake(
        "the input follows the target in the same step",
        lambda draws: feed_back(draws, 0.0),
    ),
    Mistake(
        "the same, disturbances last (0.6)",
        lambda draws: feed_back(draws, 0.6),
    ),
    Mistake("w_rec 0.6, later 0.9", change_weight, (0.6, 0.9), (2.5, 10.0)),
    Mistake("the gain doubles", change_gain, gains=(5.0, 10.0)),
    Mistake(
        "a lasting shift of the level",
        changed(lambda _, x, y: (x, from_half(y, lambda y: y + 2.0))),
    ),
    Mistake("holidays in weeks 51 and 52, advertising before", holidays, step=Step(1.0, "week")),
    Mistake("means of 4 steps", average, (W_REC**4,)),
    Mistake("every fourth row", thin, (W_REC**4,)),
    Mistake("two inputs with lags 0 and 4", two_lags),
    Mistake(
        "the target in other units from the middle on",
        changed(lambda _, x, y: (x, from_half(y, lambda y: 1.8 * y + 32.0))),
    ),
    Mistake(
        "the input in other units from the middle on",
        changed(lambda _, x, y: (from_half(x, lambda x: 1.8 * x), y)),
    ),
    Mistake(
        "5 % of the targets are 0 instead of empty",
        changed(lambda draws, x, y: (x, replace_some(y, draws, 0.05))),
    ),
    Mistake(
        "5 % of the inputs are 0 instead of missing",
        changed(lambda draws, x, y: (replace_some(x, draws, 0.05), y)),
    ),
    Mistake("a tenth of the rows twice", changed(repeat)),
    Mistake("the newest row first", changed(lambda _, x, y: (x[::-1], y[::-1]))),
    Mistake("the rows of two records in turns", mix),
    Mistake("four records one after another", append),
    Mistake("a cumulative target", changed(lambda _, x, y: (x, np.cumsum(y)))),
    Mistake("a cumulative input", changed(lambda _, x, y: (np.cumsum(x), y))),
    Mistake("differences of the target", changed(lambda _, x, y: (x[1:], np.diff(y)))),
    Mistake(
        "a target that is a running mean of 4",
        changed(lambda _, x, y: (x[3:], np.convolve(y, np.full(4, 0.25), "valid"))),
    ),
    Mistake("a target interpolated from every fourth", changed(interpolate)),
    Mistake(
        "a target filled forward from every fourth",
        changed(lambda _, x, y: (x, np.repeat(y[::4], 4))),
    ),
    Mistake("a trend", changed(lambda _, x, y: (x, y + SLOPE))),
    Mistake(
        "3 % outliers",
        changed(lambda draws, x, y: (x, replace_some(y, draws, 0.03, lambda y: y + 10.0))),
    ),
    Mistake("a correlated input is left out", omit_cause),
)
"""Situations, after one without a mistake."""


def answer(series: Series, options: FitOptions) -> Result:
    """Return the fit after all recommendations, at most ``MOST_CHANGES``."""
    result = fit(series, options)
    for _ in range(MOST_CHANGES):
        if not result.verdict.alternatives:
            break
        changes: dict[str, Any] = dict(result.verdict.alternatives[0].options)
        options = replace(options, **changes)
        result = fit(series, options)
    return result


def judge(mistake: Mistake, number: int) -> Outcome:
    """Fit the problem of a situation with this number."""
    draws = np.random.default_rng([SEED, zlib.crc32(mistake.name.encode()), number])
    series = replace(make_series(mistake.draw(draws)), step=mistake.step)
    result = answer(series, FitOptions())
    trust = result.verdict.trust
    states = result.verdict.fit.judged.intervals_of_states
    has_weight = any(holds(pieces, w) for pieces in states for w in mistake.w_recs)
    has_gain = any(holds([gain_interval(result)], gain) for gain in mistake.gains)
    return Outcome(
        not trust.reasons,
        has_weight and has_gain,
        bool(set(trust.cautions) - {"interval_open"}),
        tuple(trust.reasons or trust.cautions),
    )


def format_row(mistake: Mistake, outcomes: list[Outcome]) -> str:
    """Return a line of the table, in percent."""
    n = len(outcomes)
    wrong = [each for each in outcomes if each.is_sure and not each.is_right]
    counts = (
        len(wrong),
        sum(not each.has_cautions for each in wrong),
        sum(each.is_sure and each.is_right for each in outcomes),
        sum(not each.is_sure for each in outcomes),
    )
    slugs = Counter(slug for each in outcomes for slug in each.slugs).most_common(4)
    named = ", ".join(f"{slug} {100 * k / n:.0f}" for slug, k in slugs)
    cells = (mistake.name, *(f"{100 * k / n:.0f}" for k in counts), named)
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=N_PROBLEMS, help="problems of each case")
    parser.add_argument("name", nargs="?", default="", help="a part of the names to run")
    arguments = parser.parse_args()
    print(
        "| situation | sure and wrong | without a caution | sure and right | doubted | findings |"
    )
    print(f"|{' --- |' * 6}")
    for mistake in MISTAKES:
        if arguments.name in mistake.name:
            outcomes = [judge(mistake, number) for number in range(arguments.problems)]
            print(format_row(mistake, outcomes))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
