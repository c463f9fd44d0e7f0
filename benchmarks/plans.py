"""Coverage of plans: ``python -m benchmarks.plans [--problems N]``.

For series with a known truth it prints how often the intervals of differences and of goals contain
the true value, in percent, and how often the set of a goal is unbounded.
"""

import argparse
from collections import defaultdict
from typing import Final, NamedTuple

import numpy as np

from service.engine.data import Series
from service.engine.fit import FitOptions, Goal, find_input, fit, subtract_plans
from service.engine.types import Array

N_PROBLEMS: Final = 1000
SEED: Final = 7
N_AHEAD: Final = 8
OFFSET: Final = 5.0
OUTPUT: Final = 8.0  # the goal
WEIGHTS: Final = np.array([1.0, -0.5])
OTHER: Final = 0.3  # the second input of the plan
GOALS: Final = {
    "lasting, step 8": Goal(OUTPUT, 0, 8, is_lasting=True),
    "first step, step 4": Goal(OUTPUT, 0, 4, is_lasting=False),
    "lasting, long run": Goal(OUTPUT, 0, None, is_lasting=True),
}


class Case(NamedTuple):
    """A kind of series."""

    n_targets: int
    w_rec: float
    noise: float  # the standard deviation of the errors, or of the innovations
    rho: float = 0.0


CASES: Final = [
    *(Case(n, w, noise) for n in (30, 100) for w in (0.5, 0.8, 0.95) for noise in (0.5, 3.0)),
    *(Case(n, 0.8, 0.5, 0.6) for n in (30, 100)),
]


def run(inputs: Array, w_rec: float, state: float) -> Array:
    """Return the states after each step of inputs (T, 2)."""
    states = []
    for x in inputs:
        state = w_rec * state + float(WEIGHTS @ x)
        states.append(state)
    return np.array(states)


def find_truth(case: Case, plan: Array, state: float, goal: Goal) -> float:
    """Return the input that reaches the goal, by simulations without and with one unit."""
    n_steps = 10_000 if goal.step is None else goal.step
    rest = np.resize(plan[-1], (n_steps, 2))
    rest[:, 0] = 0.0
    unit = np.zeros_like(rest)
    unit[: None if goal.is_lasting else 1, 0] = 1.0
    without = run(rest, case.w_rec, state)[-1] + OFFSET
    return float((goal.output - without) / run(unit, case.w_rec, 0.0)[-1])


def judge(case: Case, number: int) -> dict[str, tuple[bool, bool]]:
    """Return for each quantity if its interval contains the true value, and if it is bounded."""
    rng = np.random.default_rng([SEED, case.n_targets, round(100 * case.w_rec), number])
    x = rng.standard_normal((case.n_targets, 2))
    states = run(x, case.w_rec, 2.0)
    noise = [0.0]
    for innovation in case.noise * rng.standard_normal(case.n_targets + 50):
        noise.append(case.rho * noise[-1] + innovation)
    targets = states + OFFSET + np.array(noise[-case.n_targets :])
    series = Series.from_sequences((x,), (targets,), ("a", "b"))
    solution = fit(series, FitOptions(noise="ar1" if case.rho else "white")).solution
    plan = np.column_stack([np.zeros(N_AHEAD), np.full(N_AHEAD, OTHER)])
    other = plan + np.outer(np.arange(N_AHEAD) < 4, [1.0, 0.0])
    truth = run(other - plan, case.w_rec, 0.0)
    (difference,) = subtract_plans(solution, [plan, other], sequence=0)
    found = {}
    for name, step in (("difference, step 1", 0), ("step 4", 3), ("step 8", 7)):
        covers = difference.low[step] <= truth[step] <= difference.high[step]
        found[name] = bool(covers), True
    low, high = difference.total[1:]
    found["total"] = bool(low <= truth.sum() <= high), True
    for name, goal in GOALS.items():
        if case.rho and goal.step is not None:
            continue  # the mean continues the last residual, which the truth does not have
        aim = find_truth(case, plan, float(states[-1]), goal)
        pieces = find_input(solution, plan, goal, sequence=0).pieces
        covers = any(low <= aim <= high for low, high in pieces)
        found[f"goal: {name}"] = covers, all(np.isfinite(pieces).ravel().tolist())
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=N_PROBLEMS, help="problems of each case")
    arguments = parser.parse_args()
    for case in CASES:
        results = defaultdict(list)
        for number in range(arguments.problems):
            for name, result in judge(case, number).items():
                results[name].append(result)
        kind = f"ar1 {case.rho:g}" if case.rho else "white"
        print(f"\nT = {case.n_targets}, w_rec {case.w_rec:g}, noise {case.noise:g} ({kind})")
        for name, pairs in results.items():
            covered, bounded = 100.0 * np.mean(pairs, axis=0)
            print(f"  {name}: {covered:.1f} % covered, {100.0 - bounded:.1f} % open", flush=True)


if __name__ == "__main__":
    main()
