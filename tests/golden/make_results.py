"""Write results.csv and fits.csv: what some runs and fits give, by version of the results.

    python tests/golden/make_results.py

Run it only after RESULT_VERSION was raised, and read the difference before committing it.
"""

import csv
import math
from pathlib import Path
from typing import Any

from service.engine.network import ACTIVATIONS
from service.engine.training import OPTIMIZERS
from service.operations.computations.fits import FIT
from service.operations.computations.submit import compute, name_task
from service.operations.computations.training import TRAINING_RUN
from service.operations.shared.ids import RESULT_VERSION
from service.schemas.fits import FitRequest
from service.schemas.training_runs import TrainingRunRequest

NEAR = {"initial_weights": {"w_in": 0.5, "w_rec": 0.5}, "n_iterations": 30}
COLUMNS = ("result_version", "name", "outcome", "iterations", "w_in", "w_rec", "log10_cost")
FIT_COLUMNS = ("result_version", "name", "w_rec", "low", "high", "w_in", "w_in_low", "log10_cost")
ITERATIONS = {"levenberg_marquardt": 12}  # later costs are rounding errors


def make_requests() -> dict[str, Any]:
    """Return the requests by name."""
    by_optimizer: dict[str, Any] = {
        f"{name}, {activation}": {
            **NEAR,
            "n_iterations": ITERATIONS.get(name, NEAR["n_iterations"]),
            "optimizer": {"name": name},
            "network": {"activation": activation},
            "clip": {} if kind.accepts_clip else None,
        }
        for name, kind in OPTIMIZERS.items()
        for activation in ACTIVATIONS
    }
    return by_optimizer | {
        "the tutorial": {},
        "a target": {"target_cost": 0.04},
        "outside float64": {"dataset": {"n_steps": 1000}, "n_iterations": 100},
        "noise and an initial state": {
            **NEAR,
            "dataset": {"noise": 0.5, "seed": 3},
            "network": {"initial_state": 0.25},
        },
    }


def make_fits() -> dict[str, Any]:
    """Return requests of fits by name. The series is a formula, so that it needs no generator."""
    inputs = [[math.sin(k), float(k % 7 == 0)] for k in range(60)]
    targets, state = [], 2.0
    for k, (x, pulse) in enumerate(inputs):
        state = 0.8 * state + x + 3.0 * pulse
        targets.append(state + 10.0 + 0.3 * math.cos(5.0 * k))
    series = {
        "kind": "series",
        "inputs": ["x", "pulse"],
        "sequences": [{"inputs": inputs, "targets": targets}],
    }
    return {
        "one target per sequence": {"dataset": {"noise": 0.5, "seed": 3}},
        "a series": {"dataset": series},
        "a delay": {"dataset": series, "delay": {"low": 0, "high": 3}},
        "autoregressive noise": {"dataset": series, "noise": "ar1"},
        "no offset": {"dataset": series, "offset": False, "w_rec": {"low": -1, "high": 1}},
    }


def describe_fit(body: Any) -> list[float]:
    """Return what FIT_COLUMNS names."""
    request = FitRequest.model_validate(body)
    dataset = request.dataset.resolve()
    task = name_task(FIT, FIT.complete(request, dataset))  # type: ignore[misc]
    result: Any = compute(task, dataset)[0].result
    (piece,), w_in = result["w_rec"]["intervals"], result["inputs"][0]["w_in"]
    return [
        result["w_rec"]["value"],
        piece["low"],
        piece["high"],
        w_in["value"],
        w_in["low"],
        result["log10_cost"],
    ]


def main() -> None:
    """Train and fit, and write the results."""
    here = Path(__file__)
    with here.with_name("fits.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(FIT_COLUMNS)
        for name, body in make_fits().items():
            table.writerow([RESULT_VERSION, name, *describe_fit(body)])
    with here.with_name("results.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for name, body in make_requests().items():
            request = TrainingRunRequest.model_validate(body)
            task = name_task(TRAINING_RUN, request)
            result: Any = compute(task, request.dataset.resolve())[0].result
            final = [*result["final"]["weights"].values(), result["final"]["log10_cost"]]
            row = [RESULT_VERSION, name, result["outcome"], result["iterations"], *final]
            table.writerow(row)


if __name__ == "__main__":
    main()
