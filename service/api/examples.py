"""Example requests. They work when pasted; those with ids work after the empty requests."""

from typing import Any, Final

# The ids of the tutorial's dataset, training run and basin map, which a test checks.
DATASET_ID: Final = "ds_05aa9c3d3afdbff0f9faa5baec15c674"
RUN_ID: Final = "run_a73ba9877cb1d99fe37f6736d90ea99b"
MAP_ID: Final = "map_4e4939d809dd17f37d94b21a35d00c0e"

# A position in a list, such as a next_cursor.
CURSOR: Final = "MTc2NzIyNTYwMDAwMDAwMCBydW5fMzQ0ZjcwZGIwZDgzNGMyMGM2ZTZjZWFkNWMwYjVmY2M"

_TUTORIAL: Final = {"summary": "As in the tutorial", "value": {}}
_STORED: Final = {"kind": "stored", "id": DATASET_ID}
_EXPLICIT: Final = {
    "kind": "explicit",
    "inputs": [[1, 0.5, 0], [0, 0, 1], [0.25, 1, 0]],
    "targets": [1.5, 1, 1.25],
}


def _examples(**values: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    named = {name: {"summary": text, "value": value} for name, (text, value) in values.items()}
    return {"tutorial": _TUTORIAL, **named}


PREDICT: Final = _examples(
    weights=(
        "A leaky sum and its states",
        {"model": {"w_in": 1, "w_rec": 0.5}, "inputs": [[1, 1], [0, 2, 4]], "return_states": True},
    ),
    run=(
        "With the weights of a training run",
        {"model": {"kind": "run", "id": RUN_ID}, "inputs": [[0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1]]},
    ),
)
GRADIENT_TRACE: Final = _examples(
    long=(
        "Gradients that overflow float64, but not their logarithms",
        {"dataset": {"n_steps": 1000}, "points": [{"w_in": 1, "w_rec": 2}]},
    ),
    tanh=(
        "With tanh, aggregated as in the tutorial's figure",
        {"network": {"activation": "tanh"}, "aggregation": "note"},
    ),
)
GRADIENT_CHECK: Final = _examples(
    sigmoid=(
        "With the sigmoid activation",
        {"network": {"activation": "sigmoid"}, "weights": {"w_in": 0.5, "w_rec": 0.5}},
    ),
)
COST_SURFACE: Final = _examples(
    window=(
        "One window, with a coarse grid",
        {
            "windows": [
                {
                    "w_in": {"low": 0, "high": 2},
                    "w_rec": {"low": 0, "high": 2},
                    "resolution": 20,
                }
            ]
        },
    ),
    stored=("For a stored dataset", {"dataset": _STORED}),
)
COST_SURFACE_FILE: Final = _examples(
    path=("With the path of a training run", {"points": [], "runs": [RUN_ID]}),
)
OPTIMUM: Final = _examples(
    explicit=("For an explicit dataset", {"dataset": _EXPLICIT}),
    noisy=("For noisy targets", {"dataset": {"n_samples": 100, "noise": 0.5}}),
)
DATASET: Final = _examples(
    explicit=("An explicit dataset", _EXPLICIT),
    drawn=("Longer sequences", {"n_samples": 100, "n_steps": 30, "seed": 7}),
)
DATASET_CSV: Final = {
    "table": {
        "summary": "The same dataset as a table",
        "value": "x_1,x_2,x_3,target\n1,0.5,0,1.5\n0,0,1,1\n0.25,1,0,1.25\n",
    }
}
TRAINING_RUN: Final = _examples(
    adam=(
        "Adam, clipped, until the cost is small",
        {
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "clip": {"by": "norm", "threshold": 1},
            "n_iterations": 5000,
            "target_cost": 0.01,
        },
    ),
    explicit=(
        "An explicit dataset, other initial weights, and nothing stored",
        {
            "dataset": _EXPLICIT,
            "initial_weights": {"w_in": 0.5, "w_rec": 0.5},
            "n_iterations": 100,
            "record_every": 10,
            "keep": False,
        },
    ),
)
BASIN_MAP: Final = _examples(
    coarse=(
        "With a coarse grid and few iterations",
        {"window": {"resolution": 20}, "n_iterations": 100, "target_cost": 0.1},
    ),
)
