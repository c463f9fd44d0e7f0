"""Coverage of intervals of panels whose levels differ, after all advice was followed.

``python -m benchmarks.groups [N]`` simulates N panels of each kind, 20 by default: sequences with a
w_rec of 0.8 and a gain of 5, and noise of half the size of the signal. The first offset is that of
the service, and then every recommended change is made. It prints how often each sequence has its
own offset at the end, and how often the intervals contain the true values.
"""

import sys
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from scipy.signal import lfilter

from service.engine.data import Series
from service.engine.fit import FitOptions, Result, fit, prefers_own_levels
from service.engine.types import Array

W_REC: Final = 0.8
GAIN: Final = 5.0
BURN_IN: Final = 100
MAX_CHANGES: Final = 4  # that are followed


@dataclass(frozen=True)
class Kind:
    """A kind of panels."""

    n_sequences: int
    n_steps: int
    level: float  # the standard deviation of the levels, in those of the signal
    rho: float  # of the noise
    is_correlated: bool = False  # True if the levels of a slow input are those of the target


KINDS: Final = [
    *(
        Kind(n_sequences, n_steps, level, rho)
        for n_sequences, n_steps in [(10, 10), (10, 20), (50, 10), (5, 50)]
        for rho in (0.0, 0.6)
        for level in (0.0, 0.5, 1.0)
    ),
    *(Kind(n, 20, 1.0, rho, is_correlated=True) for n in (5, 10) for rho in (0.0, 0.6)),
]


def simulate(kind: Kind, draws: np.random.Generator) -> Series:
    """Return a panel of a kind."""
    shape = (kind.n_sequences, kind.n_steps + BURN_IN)
    slow = 0.9 if kind.is_correlated else 0.0
    inputs = lfilter([1.0], [1.0, -slow], draws.standard_normal(shape))
    inputs /= inputs.std()
    levels = draws.standard_normal((kind.n_sequences, 1))
    if kind.is_correlated:
        inputs += levels
    states = lfilter([1.0], [1.0, -W_REC], inputs)[:, BURN_IN:]
    size = (states - states.mean(axis=1, keepdims=True)).std()
    noise = lfilter([1.0], [1.0, -kind.rho], draws.standard_normal(shape))[:, BURN_IN:]
    noise *= 0.5 * np.sqrt(1.0 - kind.rho**2)
    targets = states + size * (kind.level * levels + noise)
    return Series.from_sequences([*inputs[:, BURN_IN:, None]], [*targets])


def follow(series: Series) -> Result:
    """Return the fit after all recommended changes."""
    options = FitOptions(offset="each" if prefers_own_levels(series) else True)
    result = fit(series, options)
    for _ in range(MAX_CHANGES):
        if not result.verdict.alternatives:
            break
        changes: dict[str, Any] = dict(result.verdict.alternatives[0].options)
        options = replace(options, **changes)
        result = fit(series, options)
    return result


def judge(result: Result) -> Array:
    """Return what is counted of a fit."""
    ends = result.parameters.steady_state_gains[0]
    return np.array(
        [
            result.problem.unknowns.has_own_offsets,
            result.problem.unknowns.has_own_gains,
            not result.verdict.trust.reasons,
            any(low <= W_REC <= high for low, high in result.solution.intervals),
            ends[1] <= GAIN <= ends[2],
            sum(high - low for low, high in result.solution.intervals),
        ],
        float,
    )


def main() -> None:
    """Print a row per kind."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(
        "| sequences | levels | noise | own offsets | own gains | trusted | w_rec | gain | width |"
    )
    print("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for number, kind in enumerate(KINDS):
        draws = np.random.default_rng([61, number])
        counts = np.array([judge(follow(simulate(kind, draws))) for _ in range(n)])
        percent = [f"{100.0 * share:.0f}" for share in counts[:, :5].mean(axis=0)]
        width = float(np.median(counts[:, 5]))
        levels = f"{kind.level:g}{', as the input' if kind.is_correlated else ''}"
        noise = f"AR {kind.rho}" if kind.rho else "white"
        cells = f"{kind.n_sequences} x {kind.n_steps}", levels, noise, *percent, f"{width:.3f}"
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
