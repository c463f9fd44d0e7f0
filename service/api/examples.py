"""Requests to paste: they work as they stand, those with ids once the empty ones were sent."""

from typing import Any, Final

# What the note's data, training run and basin map are called; a test keeps these true.
DATASET_ID: Final = "ds_05aa9c3d3afdbff0f9faa5baec15c674"
RUN_ID: Final = "run_a73ba9877cb1d99fe37f6736d90ea99b"
MAP_ID: Final = "map_4e4939d809dd17f37d94b21a35d00c0e"

# A place in a list, as next_cursor gives it.
CURSOR: Final = "MTc2NzIyNTYwMDAwMDAwMCBydW5fMzQ0ZjcwZGIwZDgzNGMyMGM2ZTZjZWFkNWMwYjVmY2M"

_NOTE: Final = {"summary": "The note's", "value": {}}
_STORED: Final = {"kind": "stored", "id": DATASET_ID}
_EXPLICIT: Final = {
    "kind": "explicit",
    "inputs": [[1, 0.5, 0], [0, 0, 1], [0.25, 1, 0]],
    "targets": [1.5, 1, 1.25],
}


def _examples(**values: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    named = {name: {"summary": text, "value": value} for name, (text, value) in values.items()}
    return {"note": _NOTE, **named}


PREDICT: Final = _examples(
    weights=(
        "A leaky sum, with all its states",
        {"model": {"w_in": 1, "w_rec": 0.5}, "inputs": [[1, 1], [0, 2, 4]], "return_states": True},
    ),
    run=(
        "With what a training run has learnt",
        {"model": {"kind": "run", "id": RUN_ID}, "inputs": [[0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1]]},
    ),
)
TRACE: Final = _examples(
    long=(
        "Far beyond float64: the logarithms stay",
        {"dataset": {"n_steps": 1000}, "points": [{"w_in": 1, "w_rec": 2}]},
    ),
    tanh=(
        "With tanh, as the note's figure sums",
        {"network": {"activation": "tanh"}, "aggregation": "note"},
    ),
)
CHECK: Final = _examples(
    sigmoid=(
        "With a sigmoid",
        {"network": {"activation": "sigmoid"}, "weights": {"w_in": 0.5, "w_rec": 0.5}},
    ),
)
SURFACE: Final = _examples(
    window=(
        "One window, coarsely",
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
    stored=("Over stored samples", {"dataset": _STORED}),
)
SURFACE_FILE: Final = _examples(
    path=("With the path of a training run", {"points": [], "runs": [RUN_ID]}),
)
OPTIMUM: Final = _examples(
    explicit=("Of samples of one's own", {"dataset": _EXPLICIT}),
    noisy=("Of noisy targets", {"dataset": {"n_samples": 100, "noise": 0.5}}),
)
DATASET: Final = _examples(
    explicit=("Samples of one's own", _EXPLICIT),
    drawn=("Longer sequences", {"n_samples": 100, "n_steps": 30, "seed": 7}),
)
DATASET_TABLE: Final = {
    "table": {
        "summary": "The same samples as a table",
        "value": "x_1,x_2,x_3,target\n1,0.5,0,1.5\n0,0,1,1\n0.25,1,0,1.25\n",
    }
}
RUN: Final = _examples(
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
        "Samples of one's own, from elsewhere, not kept",
        {
            "dataset": _EXPLICIT,
            "initial_weights": {"w_in": 0.5, "w_rec": 0.5},
            "n_iterations": 100,
            "record_every": 10,
            "keep": False,
        },
    ),
)
MAP: Final = _examples(
    coarse=(
        "Coarsely, with a short training",
        {"window": {"resolution": 20}, "n_iterations": 100, "target_cost": 0.1},
    ),
)
