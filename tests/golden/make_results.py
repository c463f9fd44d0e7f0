"""Write results.csv: what training gives for some requests, by version of the results.

    python tests/golden/make_results.py

Run it only after RESULT_VERSION was raised, and read the difference before committing it.
"""

import csv
from pathlib import Path
from typing import Any

from service.engine.network import ACTIVATIONS
from service.engine.training import OPTIMIZERS
from service.operations.ids import RESULT_VERSION
from service.operations.training import run_training
from service.schemas.training_runs import TrainingRunRequest

NEAR = {"initial_weights": {"w_in": 0.5, "w_rec": 0.5}, "n_iterations": 30}
COLUMNS = ("result_version", "name", "outcome", "iterations", "w_in", "w_rec", "log10_cost")
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


def main() -> None:
    """Train, and write the results."""
    with Path(__file__).with_name("results.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for name, body in make_requests().items():
            request = TrainingRunRequest.model_validate(body)
            result: Any = run_training(request, request.dataset.resolve()).result
            final = [*result.final.weights.__dict__.values(), result.final.log10_cost]
            table.writerow([RESULT_VERSION, name, result.outcome, result.iterations, *final])


if __name__ == "__main__":
    main()
