"""Fits: the cost that each method reaches, and its time; ``python -m benchmarks.fits``.

``OPENBLAS_NUM_THREADS=1`` is set in the service, and makes fits as fast here as there.

The results are written to fits.json; ``python -m benchmarks --report`` adds them to results.md.
"""

import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmarks import fit_problems, machine, peer_scipy
from benchmarks.fit_problems import Array, FitProblem
from benchmarks.verdict_cases import one_sequence, panel, two_states, unlike_inputs
from service.engine.data import Series
from service.engine.fit import FitOptions, Solution, fit

T = TypeVar("T")
RESULTS = Path(__file__).with_name("fits.json")
SERVICE = "this service, with all intervals"
SETS = {"realistic": fit_problems.REALISTIC, "hard": fit_problems.HARD}
EXCESSES = (1e-3, 1e-2, 1e-1)  # of a cost above the lowest, or the fit failed
LENGTHS = (100, 1_000, 10_000)  # of one sequence
COUNTS = (1, 10, 100, 1_000)  # of sequences of N_STEPS
N_STEPS = 50
VERDICTS = {  # fits with all of their results and the alternatives
    "T = 100": (one_sequence(100, 0.8), FitOptions()),
    "T = 100, two time constants advised": (two_states(100, pulses=True), FitOptions()),
    "T = 100, one per input advised": (unlike_inputs(100, 0.95, 0.5), FitOptions()),
    "T = 2,000, two time constants with ar1": (
        two_states(2000, rho=0.6, pulses=True),
        FitOptions(time_constants=2, noise="ar1"),
    ),
    "46 sequences of 30": (panel(46, 30), FitOptions()),
}
FEW = 7  # repetitions of a short measurement
BUDGET = 10.0  # seconds, after which it is not repeated


def cpu_seconds(run: Callable[[], T]) -> tuple[T, float]:
    """Return a result and its processor time in seconds, independent of other processes."""
    start = time.process_time()
    result = run()
    return result, time.process_time() - start


def fit_problem(problem: FitProblem) -> tuple[float, float, int]:
    """Return the cost that the service reaches, w_rec, and the number of minima."""
    result = fit(
        Series.from_sequences((problem.inputs,), (problem.targets,), names(problem.inputs)),
        FitOptions(),
    )
    solution = result.solution
    if solution.problem.options.rest:  # w_rec is below 0.05; the peers fit a start nevertheless
        solution = Solution(solution.problem.vary(rest=False))
    return solution.cost, solution.w_rec, len(solution.minima)


def names(inputs: Array) -> tuple[str, ...]:
    """Return names for the inputs (T, q)."""
    return tuple(f"x_{j}" for j in range(inputs.shape[1]))


def run_peer(peer: Callable[[Array, Array], Array], problem: FitProblem) -> tuple[float, float]:
    """Return the cost that a peer reaches and its w_rec; an infinite cost if it fails."""
    try:
        parameters = peer(problem.inputs, problem.targets)
    except (RuntimeError, ValueError, np.linalg.LinAlgError):
        return np.inf, np.nan
    return peer_scipy.cost(problem.inputs, problem.targets, parameters), float(parameters[0])


def compare_set(makers: fit_problems.Makers, n: int = fit_problems.N_PROBLEMS) -> dict[str, Any]:
    """Return the number of problems that each method misses by margin, and its median seconds."""
    costs: dict[str, list[float]] = {name: [] for name in (SERVICE, *peer_scipy.PEERS)}
    times: dict[str, list[float]] = {name: [] for name in costs}
    lowest, n_several = [], 0
    for problem in fit_problems.problems(makers, n):
        (cost, w_rec, n_minima), seconds = cpu_seconds(partial(fit_problem, problem))
        reached = {SERVICE: (cost, w_rec, seconds)}
        for name, peer in peer_scipy.PEERS.items():
            result, seconds = cpu_seconds(partial(run_peer, peer, problem))
            reached[name] = (*result, seconds)
        # A lower cost with a w_rec outside the range of the search is not a better fit.
        lowest.append(min(cost for cost, w_rec, _ in reached.values() if 0.0 <= w_rec <= 1.0))
        n_several += n_minima > 1
        for name, (cost, _, seconds) in reached.items():
            costs[name].append(cost)
            times[name].append(seconds)
    methods = {
        name: {
            "worse": [int((row > np.array(lowest) * (1 + excess)).sum()) for excess in EXCESSES],
            "failed": int(np.isinf(row).sum()),
            "seconds": statistics.median(times[name]),
        }
        for name, row in ((name, np.array(column)) for name, column in costs.items())
    }
    excess = float(np.max(np.array(costs[SERVICE]) / np.array(lowest) - 1))
    return {"n": n, "several_minima": n_several, "excess": excess, "methods": methods}


def measure_growth() -> dict[str, list[list[float]]]:
    """Return the seconds of the service, and of ``least_squares`` for one sequence."""
    lengths, counts = [], []
    for n_steps in LENGTHS:
        problem = fit_problems.white_inputs(np.random.default_rng(n_steps), n_steps, 0.5, "", 0.9)
        service = _median(partial(fit_problem, problem))
        peer = _median(partial(run_peer, peer_scipy.least_squares_bounded, problem))
        lengths.append([n_steps, service, peer])
    for n in COUNTS:
        parts = [
            fit_problems.white_inputs(np.random.default_rng([n, i]), N_STEPS, 0.5, "", 0.9)
            for i in range(n)
        ]
        inputs = tuple(part.inputs for part in parts)
        series = Series.from_sequences(inputs, tuple(part.targets for part in parts), ("x",))
        counts.append([n, _median(partial(fit, series, FitOptions()))])
    return {"n_steps": lengths, "n_samples": counts}


def measure_verdicts() -> dict[str, float]:
    """Return the seconds of fits with their verdicts and all other results."""

    def run(series: Series, options: FitOptions) -> None:
        for _ in fit(series, options).compute():
            pass

    return {
        name: _median(partial(run, draw(np.random.default_rng(1)), options))
        for name, (draw, options) in VERDICTS.items()
    }


def _median(run: Callable[[], Any]) -> float:
    times = [cpu_seconds(run)[1]]
    while len(times) < FEW and sum(times) < BUDGET:
        times.append(cpu_seconds(run)[1])
    return statistics.median(times)


def main() -> None:
    """Measure and write fits.json."""
    results: dict[str, Any] = {"about": machine.describe()}
    results |= {name: compare_set(makers) for name, makers in SETS.items()}
    results["growth"] = measure_growth()
    results["verdicts"] = measure_verdicts()
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    machine.restart_without_overrides()
    main()
