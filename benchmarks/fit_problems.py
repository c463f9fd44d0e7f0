"""Simulated sequences to fit: 200 realistic and 200 hard ones.

Every problem is one sequence with an unknown start and an offset, drawn from a fixed seed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Draws = np.random.Generator

SEED: Final = 23
N_PROBLEMS: Final = 200


@dataclass(frozen=True)
class FitProblem:
    """One sequence.

    Attributes
    ----------
    kind
        The simulated process.
    inputs, targets
        Arrays (T, q) and (T,), nan for missing targets.
    w_rec
        The true weight.
    """

    kind: str
    inputs: Array
    targets: Array
    w_rec: float


Makers: TypeAlias = tuple[Callable[[Draws], FitProblem], ...]


def simulate(
    kind: str,
    draws: Draws,
    inputs: Array,
    w_rec: float,
    weights: list[float],
    *,
    offset: float,
    start: float,
    noise: float,
) -> FitProblem:
    """Return a problem with white noise, as a share ``noise`` of the spread of the outputs."""
    state, outputs = start, np.empty(len(inputs))
    for k, x in enumerate(inputs):
        state = w_rec * state + float(x @ np.array(weights))
        outputs[k] = state
    spread = float(outputs.std()) or 1.0
    targets = outputs + offset + noise * spread * draws.normal(size=len(inputs))
    return FitProblem(kind, inputs, targets, w_rec)


def adstock(draws: Draws) -> FitProblem:
    """Return weekly sales with carry-over of advertising: two channels that are on and off."""
    n_steps, w_rec = int(draws.integers(52, 157)), draws.uniform(0.1, 0.95)
    on = draws.random((n_steps, 2)) < draws.uniform(0.1, 0.6)
    spend = on * draws.gamma(2.0, 2.0, (n_steps, 2))
    weights = [draws.uniform(0.5, 3), draws.uniform(0.1, 1)]
    return simulate(
        "adstock", draws, spend, w_rec, weights,
        offset=100.0, start=draws.uniform(0, 10), noise=draws.uniform(0.5, 3),
    )  # fmt: skip


def room(draws: Draws) -> FitProblem:
    """Return the hourly temperature of a room between the weather and a heater on a schedule."""
    n_steps, w_rec = int(draws.integers(48, 169)), draws.uniform(0.7, 0.98)
    hour = np.arange(n_steps)
    outdoor = 5 + 5 * np.sin((hour - 9) * 2 * np.pi / 24) + np.cumsum(draws.normal(0, 0.2, n_steps))
    heating = ((hour % 24 >= 6) & (hour % 24 < 22)) * draws.uniform(0.7, 1.0, n_steps)
    weights = [1 - w_rec, (1 - w_rec) * draws.uniform(5, 15)]
    return simulate(
        "room", draws, np.column_stack([outdoor, heating]), w_rec, weights,
        offset=2.0, start=draws.uniform(10, 20), noise=draws.uniform(0.1, 0.8),
    )  # fmt: skip


def step_test(draws: Draws) -> FitProblem:
    """Return a test of a plant whose input is raised, and lowered again."""
    n_steps, w_rec = int(draws.integers(20, 81)), draws.uniform(0.3, 0.97)
    inputs = np.zeros((n_steps, 1))
    up, down = sorted(draws.integers(2, n_steps - 1, 2))
    inputs[up : down + 1] = 1.0
    return simulate(
        "step test", draws, inputs, w_rec, [draws.uniform(0.2, 2)],
        offset=draws.uniform(-5, 5), start=0.0, noise=draws.uniform(0.1, 1),
    )  # fmt: skip


def white_inputs(draws: Draws, n_steps: int, noise: float, kind: str, w_rec: float) -> FitProblem:
    """Return white inputs with noise."""
    inputs = draws.normal(size=(n_steps, 1))
    return simulate(kind, draws, inputs, w_rec, [1.0], offset=1.0, start=0.0, noise=noise)


def weak_signal(draws: Draws) -> FitProblem:
    """Return white inputs below noise of three to six times the signal."""
    n_steps = int(draws.integers(20, 61))
    return white_inputs(draws, n_steps, draws.uniform(3, 6), "weak signal", draws.uniform(0, 0.95))


def sparse_targets(draws: Draws) -> FitProblem:
    """Return white inputs with a target at one step in eight."""
    problem = white_inputs(
        draws, 160, draws.uniform(0.5, 2), "sparse targets", draws.uniform(0, 0.95)
    )
    targets = np.where(draws.random(160) < 1 / 8, problem.targets, np.nan)
    targets[::32] = problem.targets[::32]
    return FitProblem(problem.kind, problem.inputs, targets, problem.w_rec)


def last_steps(draws: Draws) -> FitProblem:
    """Return targets at the last eight steps only, long after the inputs began."""
    problem = white_inputs(
        draws, 60, draws.uniform(0.2, 1), "last steps only", draws.uniform(0.3, 0.98)
    )
    targets = np.where(np.arange(60) >= 52, problem.targets, np.nan)
    return FitProblem(problem.kind, problem.inputs, targets, problem.w_rec)


def two_minima(draws: Draws) -> FitProblem:
    """Return the sum of a fast and a slow recurrence, of which one can be fitted."""
    inputs = draws.normal(size=(100, 1))
    fast, slow = (
        simulate("two minima", draws, inputs, w_rec, [weight], offset=0.0, start=0.0, noise=0.5)
        for w_rec, weight in ((draws.uniform(0, 0.3), 1.0), (draws.uniform(0.93, 0.99), 0.3))
    )
    return FitProblem("two minima", inputs, fast.targets + slow.targets, fast.w_rec)


def noisy_step(draws: Draws) -> FitProblem:
    """Return one step of the input under noise of one to two times the response."""
    n_steps = int(draws.integers(20, 61))
    inputs = (np.arange(n_steps) >= n_steps // 4)[:, np.newaxis].astype(float)
    return simulate(
        "noisy step", draws, inputs, draws.uniform(0.3, 0.97), [1.0],
        offset=0.0, start=0.0, noise=draws.uniform(1, 2),
    )  # fmt: skip


REALISTIC: Final[Makers] = (adstock, room, step_test)
HARD: Final[Makers] = (*(weak_signal, sparse_targets, last_steps, two_minima, noisy_step),)


def problems(makers: Makers, n: int = N_PROBLEMS) -> Iterator[FitProblem]:
    """Yield the problems, kinds in turn; each has a separate seed."""
    for i in range(n):
        yield makers[i % len(makers)](np.random.default_rng([SEED, i]))
