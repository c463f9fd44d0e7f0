"""Timing that holds on a noisy machine: contenders in turn, medians, ratios within one run."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

TURN = 0.005  # seconds: the quick ones are repeated until a turn takes as long
QUICK = 0.2  # seconds: contenders this quick are warmed up before each turn
WARM = 0.03  # seconds of that: by then threads of the contender before have stopped spinning


@dataclass
class Contender:
    """One way to do the work.

    Contenders of one ``kind`` are variants; the table shows the quickest of each kind.
    ``at_most`` is what our time over its time should be at most. ``compiles`` says that the
    first call takes longer than the others.
    """

    name: str
    run: Callable[[], Any]
    at_most: float | None = None
    kind: str = ""
    compiles: bool = False

    def __post_init__(self) -> None:
        self.kind = self.kind or self.name.partition(",")[0]


@dataclass
class Row:
    """One line of the table: our time beside that of the quickest peer of a kind, in seconds."""

    work: str
    ours: float
    peer: str
    theirs: float
    at_most: float | None = None
    notes: str = ""
    variants: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """Our time over the peer's."""
        return self.ours / self.theirs

    @property
    def reached(self) -> bool | None:
        """Whether the ratio is what it should be."""
        return None if self.at_most is None else self.ratio <= self.at_most


def timed(run: Callable[[], Any], repeats: int = 1) -> tuple[Any, float]:
    """Return the last answer, and the seconds a call took on average."""
    answer = None
    began = time.perf_counter()
    for _ in range(repeats):
        answer = run()
    return answer, (time.perf_counter() - began) / repeats


def warm_up(run: Callable[[], Any]) -> None:
    """Run for a while; a pause instead would let the processor's clock drop."""
    until = time.perf_counter() + WARM
    while time.perf_counter() < until:
        run()


def agree(answers: dict[str, Any], rtol: float) -> None:
    """Stop where contenders did not compute the same: a quick wrong answer is no peer."""
    (first, expected), *others = answers.items()
    for name, answer in others:
        np.testing.assert_allclose(
            answer, expected, rtol=rtol, atol=1e-12, err_msg=f"{name} against {first}"
        )


def alternate(
    contenders: list[Contender],
    *,
    rtol: float,
    rounds: int = 7,
    budget: float = 5.0,
    look: Callable[[Any], Any] = np.asarray,
) -> dict[str, float]:
    """Time contenders in turn, A B C A B C …, and return each one's median in seconds.

    The answers of the first turn must agree, as ``look`` sees them. That turn is not timed,
    unless there is nothing to compile and it took longer than QUICK. A contender drops out when
    it has had its ``budget``, in seconds.
    """
    answers, taken, repeats = {}, {}, {}
    for each in contenders:
        answer, once = timed(each.run)
        answers[each.name] = look(answer)
        taken[each.name] = [] if each.compiles or once < QUICK else [once]
        if not taken[each.name]:
            _, once = timed(each.run)
        repeats[each.name] = max(1, min(100, round(TURN / once)))
    agree(answers, rtol)
    for _ in range(rounds):
        for each in contenders:
            turns = taken[each.name]
            if sum(turns) * repeats[each.name] > budget:
                continue
            if not turns or turns[-1] < QUICK:
                warm_up(each.run)
            turns.append(timed(each.run, repeats[each.name])[1])
    return {name: statistics.median(turns) for name, turns in taken.items()}


def rows(
    work: str, contenders: list[Contender], seconds: dict[str, float], notes: str = ""
) -> list[Row]:
    """Compare the first contender, ours, with the quickest of every kind of the others."""
    ours, *peers = contenders
    found = []
    for kind in dict.fromkeys(peer.kind for peer in peers):
        alike = [peer for peer in peers if peer.kind == kind]
        best = min(alike, key=lambda peer: seconds[peer.name])
        variants = {peer.name: seconds[peer.name] for peer in alike}
        times = seconds[ours.name], best.name, seconds[best.name]
        found.append(Row(work, *times, best.at_most, "" if found else notes, variants))
    return found
