"""Example requests. They work when pasted; those with ids work after the empty requests."""

from typing import Any, Final

from pydantic import BaseModel

from service.schemas.basin_maps import BasinMapRequest
from service.schemas.cost_surface import CostSurfacePictureRequest, CostSurfaceRequest
from service.schemas.datasets import CountOnesDataset
from service.schemas.evaluate import EvaluateRequest
from service.schemas.fits import FitRequest
from service.schemas.gradient_check import GradientCheckRequest
from service.schemas.gradient_trace import GradientTraceRequest
from service.schemas.optimum import OptimumRequest
from service.schemas.predict import TUTORIAL_TEST_SEQUENCE, PredictRequest
from service.schemas.training_runs import TrainingRunRequest

# The ids of the tutorial's dataset, training run, fit and basin map, which a test checks.
DATASET_ID: Final = "ds_05aa9c3d3afdbff0f9faa5baec15c674"
RUN_ID: Final = "run_33816761788b300398e63d5b8de252d2"
FIT_ID: Final = "fit_e8b9d78d595de6edb591b8f63cc80f7b"
MAP_ID: Final = "map_8b70bc8d50521db8cbc1d77496945a6a"
IDS: Final = {"run": RUN_ID, "fit": FIT_ID, "map": MAP_ID}  # by prefix

# A position in a list, such as a next_cursor.
CURSOR: Final = "MTc2NzIyNTYwMDAwMDAwMCBydW5fMzQ0ZjcwZGIwZDgzNGMyMGM2ZTZjZWFkNWMwYjVmY2M"

_STORED: Final = {"kind": "stored", "id": DATASET_ID}
_LONG: Final = {"kind": "count_ones", "n_steps": 1000}
_REMEMBER: Final = {"kind": "remember"}
_EXPLICIT: Final = {
    "kind": "explicit",
    "inputs": [[1, 0.5, 0], [0, 0, 1], [0.25, 1, 0]],
    "targets": [1.5, 1, 1.25],
}


_SERIES: Final = {
    "kind": "series",
    "inputs": ["spend"],
    "target": "sales",
    "sequences": [
        {
            "inputs": [[1], [4], [0], [2], [0], [3], [0], [1]],
            "targets": [101.5, 105.1, 102.8, None, 101.3, 104.2, 102.1, 102.2],
        },
    ],
    "step": {"length": 1, "unit": "week"},
}


def defaults(model: type[BaseModel], **options: Any) -> dict[str, Any]:
    """Return the request of an empty body as JSON, with all defaults filled in."""
    return model.model_validate({}).model_dump(mode="json", **options)


def _examples(
    defaults: dict[str, Any], **values: tuple[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    first = {
        "tutorial": ("As in the tutorial, with the defaults filled in", defaults),
        "empty": ("The same as an empty request", {}),
    }
    return {
        name: {"summary": summary, "value": value}
        for name, (summary, value) in (first | values).items()
    }


PREDICT: Final = _examples(
    defaults(PredictRequest, exclude={"inputs", "dataset", "model", "continue_"})
    | {"inputs": TUTORIAL_TEST_SEQUENCE},
    weights=(
        "A leaky sum and its states",
        {
            "weights": {"w_in": 1, "w_rec": 0.5},
            "inputs": [[1, 1], [0, 2, 4]],
            "return_states": True,
        },
    ),
    run=(
        "With the weights of a training run",
        {"model": {"kind": "run", "id": RUN_ID}, "inputs": [[0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1]]},
    ),
    dataset=(
        "For the sequences of a stored dataset",
        {"weights": {"w_in": 1, "w_rec": 0.9}, "dataset": _STORED},
    ),
)
# A table has no states.
PREDICT_CSV: Final = {name: PREDICT[name] for name in PREDICT if name != "weights"}
EVALUATE: Final = _examples(
    defaults(EvaluateRequest),
    overflow=(
        "A cost that overflows float64, but not its logarithm",
        {"dataset": _LONG, "points": [{"w_in": 1, "w_rec": 2}]},
    ),
)
GRADIENT_TRACE: Final = _examples(
    defaults(GradientTraceRequest),
    long=(
        "Gradients that overflow float64, but not their logarithms",
        {"dataset": _LONG, "points": [{"w_in": 1, "w_rec": 2}]},
    ),
)
GRADIENT_CHECK: Final = _examples(
    defaults(GradientCheckRequest),
    sigmoid=(
        "With the sigmoid activation",
        {"network": {"activation": "sigmoid"}, "weights": {"w_in": 0.5, "w_rec": 0.5}},
    ),
)
# The default depends on the format.
_NO_RESOLUTION: Final = {"windows": {"__all__": {"resolution"}}}
COST_SURFACE: Final = _examples(
    defaults(CostSurfaceRequest, exclude=_NO_RESOLUTION),
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
)
COST_SURFACE_PICTURE: Final = _examples(
    defaults(CostSurfacePictureRequest),
    path=("With the path of a training run", {"points": [], "runs": [RUN_ID]}),
)
OPTIMUM: Final = _examples(
    defaults(OptimumRequest),
    noisy=(
        "For noisy targets",
        {"dataset": {"kind": "count_ones", "n_samples": 100, "noise": 0.5}},
    ),
    remember=("For remembering the first input: a curve of optima", {"dataset": _REMEMBER}),
)
# By path. Others have the first two.
_QUESTIONS: Final = {
    "/v1/predict": PREDICT,
    "/v1/predict.{suffix}": PREDICT_CSV,
    "/v1/evaluate": EVALUATE,
    "/v1/gradient-trace": GRADIENT_TRACE,
    "/v1/gradient-check": GRADIENT_CHECK,
    "/v1/cost-surface": COST_SURFACE,
    "/v1/cost-surface.{suffix}": COST_SURFACE_PICTURE,
    "/v1/optimum": OPTIMUM,
}


def question_examples(path: str, model: type[BaseModel]) -> dict[str, Any]:
    """Return the examples of the request body at the path of a question, or of its file."""
    own = _QUESTIONS.get(path) or _QUESTIONS.get(path.partition(".")[0])
    return own or _examples(defaults(model))


DATASET: Final = _examples(
    defaults(CountOnesDataset),
    explicit=("An explicit dataset", _EXPLICIT),
    remember=("The first input of each sequence is the target", _REMEMBER),
    series=("A series: a target at every step, one of them missing", _SERIES),
)
del DATASET["empty"]  # the body itself needs a kind
DATASET_CSV: Final = {
    "table": {
        "summary": "The same dataset as a table",
        "value": "x_1,x_2,x_3,target\n1,0.5,0,1.5\n0,0,1,1\n0.25,1,0,1.25\n",
    }
}
TRAINING_RUN: Final = _examples(
    defaults(TrainingRunRequest),
    adam=(
        "Adam, clipped, until the cost is small",
        {
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "clip": {"by": "norm", "threshold": 1},
            "n_iterations": 5000,
            "target_cost": 0.01,
        },
    ),
    remember=(
        "Remember the first input of 30 by gradient descent, which hardly moves",
        {
            "dataset": _REMEMBER,
            "initial_weights": {"w_in": 1, "w_rec": 0.5},
            "optimizer": {"name": "gradient_descent", "learning_rate": 0.01},
            "n_iterations": 2000,
            "record_every": 100,
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
    defaults(BasinMapRequest),
    coarse=(
        "With a coarse grid and few iterations",
        {"window": {"resolution": 20}, "n_iterations": 100, "target_cost": 0.1},
    ),
)
FIT: Final = _examples(
    defaults(FitRequest, exclude_none=True),
    series=(
        "A series: half of the effect of spending is gone after how many weeks?",
        {"dataset": _SERIES},
    ),
    delay=(
        "With a dead time that is searched, and nothing stored",
        {"dataset": _SERIES, "delay": {"low": 0, "high": 1}, "offset": True, "keep": False},
    ),
)
