"""Timing that is reliable on a noisy machine: contenders alternate, and medians are compared."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MIN_TURN_SECONDS = 0.005  # faster contenders are repeated until one turn takes this long
SHORT_SECONDS = 0.2  # contenders faster than this are warmed up before each turn
WARM_UP_SECONDS = 0.03  # long enough for the threads of the previous contender to stop spinning


@dataclass
class Contender:
    """One implementation of a task.

    Contenders of the same ``kind`` are variants, and the table shows the fastest of each kind.
    ``goal`` is the largest acceptable ratio of the service's time to this contender's time.
    ``compiles`` states that the first call is slower than the others.
    """

    name: str
    run: Callable[[], Any]
    goal: float | None = None
    kind: str = ""
    compiles: bool = False

    def __post_init__(self) -> None:
        self.kind = self.kind or self.name.partition(",")[0]


@dataclass
class Row:
    """One row of the table: the service and the fastest peer of one kind, times in seconds."""

    task: str
    seconds: float
    peer: str
    peer_seconds: float
    goal: float | None = None
    notes: str = ""
    variants: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """The service's time divided by the peer's."""
        return self.seconds / self.peer_seconds

    @property
    def is_met(self) -> bool | None:
        """True if the ratio meets the goal; None if there is no goal."""
        return None if self.goal is None else self.ratio <= self.goal


def measure(run: Callable[[], Any], repeats: int = 1) -> tuple[Any, float]:
    """Return the result of the last call and the mean seconds per call."""
    result = None
    start = time.perf_counter()
    for _ in range(repeats):
        result = run()
    return result, (time.perf_counter() - start) / repeats


def warm_up(run: Callable[[], Any]) -> None:
    """Call ``run`` for a while. A pause instead would lower the processor's clock rate."""
    until = time.perf_counter() + WARM_UP_SECONDS
    while time.perf_counter() < until:
        run()


def check_agreement(results: dict[str, Any], rtol: float) -> None:
    """Raise AssertionError unless the results of all contenders are equal."""
    (first, expected), *others = results.items()
    for name, result in others:
        np.testing.assert_allclose(
            result, expected, rtol=rtol, atol=1e-12, err_msg=f"{name} against {first}"
        )


def alternate(
    contenders: list[Contender],
    *,
    rtol: float,
    rounds: int = 7,
    budget: float = 5.0,
    extract: Callable[[Any], Any] = np.asarray,
) -> dict[str, float]:
    """Time contenders in turn (A B C A B C …) and return each one's median in seconds.

    The first turn is not timed unless the contender does not compile and is slow.

    Parameters
    ----------
    contenders
        Implementations of the same task.
    rtol
        Relative tolerance for the comparison of the results of the first turn.
    rounds
        Number of turns per contender.
    budget
        Seconds after which a contender gets no further turns.
    extract
        Returns from a result the array to compare.

    Raises
    ------
    AssertionError
        If the results differ.
    """
    results, timings, repeats = {}, {}, {}
    for contender in contenders:
        result, once = measure(contender.run)
        results[contender.name] = extract(result)
        timings[contender.name] = [] if contender.compiles or once < SHORT_SECONDS else [once]
        if not timings[contender.name]:
            _, once = measure(contender.run)
        repeats[contender.name] = max(1, min(100, round(MIN_TURN_SECONDS / once)))
    check_agreement(results, rtol)
    for _ in range(rounds):
        for contender in contenders:
            turns = timings[contender.name]
            if sum(turns) * repeats[contender.name] > budget:
                continue
            if not turns or turns[-1] < SHORT_SECONDS:
                warm_up(contender.run)
            turns.append(measure(contender.run, repeats[contender.name])[1])
    return {name: statistics.median(turns) for name, turns in timings.items()}


def make_rows(
    task: str, contenders: list[Contender], seconds: dict[str, float], notes: str = ""
) -> list[Row]:
    """Compare the first contender, the service, with the fastest peer of each kind."""
    service, *peers = contenders
    rows: list[Row] = []
    for kind in dict.fromkeys(peer.kind for peer in peers):
        same_kind = [peer for peer in peers if peer.kind == kind]
        best = min(same_kind, key=lambda peer: seconds[peer.name])
        rows.append(
            Row(
                task,
                seconds[service.name],
                best.name,
                seconds[best.name],
                best.goal,
                "" if rows else notes,
                {peer.name: seconds[peer.name] for peer in same_kind},
            )
        )
    return rows
