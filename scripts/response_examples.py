"""Write the example responses in the OpenAPI schema: ``python -m scripts.response_examples``.

They are the responses of the service to small requests.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

import service.api
from service.engine.network import Network
from service.engine.types import Weights
from service.operations import datasets
from service.operations.computations.basins import BASIN_MAP
from service.operations.computations.fits import FIT
from service.operations.computations.job_types import Arrays, JobType
from service.operations.computations.stored import describe
from service.operations.computations.submit import compute, name_task
from service.operations.computations.training import TRAINING_RUN
from service.operations.questions.costs import compute_cost_surface, evaluate, find_optimum
from service.operations.questions.gradients import check_gradient, trace_gradients
from service.operations.questions.predict import Source, predict
from service.operations.shared.limits import Limits
from service.schemas.base import ResponseModel, encode
from service.schemas.costs import CostSurfaceRequest, EvaluateRequest, OptimumRequest
from service.schemas.datasets import CountOnesDataset, dataset_id
from service.schemas.gradients import GradientCheckRequest, GradientTraceRequest
from service.schemas.predict import PredictRequest
from service.schemas.training_runs import TrajectoryResponse
from service.store.datasets import describe as describe_arrays

FILE: Final = Path(*service.api.__path__, "response_examples.json")
START: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECONDS: Final = 0.0023
DIGITS: Final = 8  # the last ones of a number depend on the processor
# By use case.
REQUESTS: Final[dict[Any, Any]] = {
    evaluate: (EvaluateRequest, {"dataset": {"n_samples": 1}, "points": [{"w_rec": 0.5}]}),
    trace_gradients: (
        GradientTraceRequest,
        {"dataset": {"n_steps": 2}, "points": [{"w_in": 1, "w_rec": 2}]},
    ),
    check_gradient: (GradientCheckRequest, {}),
    compute_cost_surface: (CostSurfaceRequest, {"windows": [{"resolution": 2}]}),
    find_optimum: (OptimumRequest, {}),
}


def make_examples() -> dict[str, Any]:
    """Return examples of response models by their names."""
    run, _ = _compute(TRAINING_RUN, {})
    _, trajectory = _compute(TRAINING_RUN, {"n_iterations": 1})
    basin_map, _ = _compute(BASIN_MAP, {"window": {"resolution": 10}})
    fit, _ = _compute(FIT, {"dataset": {"noise": 0.5}})
    responses = [
        *(run, basin_map, fit),
        TrajectoryResponse(**trajectory),
        predict(PredictRequest(), Source(Weights(1.0, 1.0), Network(), None), Limits()),
        _describe_dataset(),
    ]
    for use_case, (model, body) in REQUESTS.items():
        request = model.model_validate(body)
        responses.append(use_case(request, request.dataset.resolve(), Limits()))
    return {
        type(response).__name__: _round(orjson.loads(encode(response))) for response in responses
    }


def _compute(job_type: JobType[Any], body: dict[str, Any]) -> tuple[ResponseModel, Arrays]:
    request = job_type.request_model.model_validate(body)
    dataset = request.dataset.resolve()
    if job_type.complete is not None:
        request = job_type.complete(request, dataset)
    row, arrays = compute(name_task(job_type, request), dataset)
    end = START + timedelta(seconds=SECONDS)
    times: dict[str, Any] = {"created_at": START, "started_at": START, "finished_at": end}
    return describe(job_type, replace(row, **times, compute_seconds=SECONDS)), arrays


def _describe_dataset() -> ResponseModel:
    dataset = CountOnesDataset().resolve().dataset
    inputs, targets = dataset.inputs, dataset.targets
    arrays = {"inputs": inputs, "targets": targets}
    row = describe_arrays(dataset_id(inputs, targets), arrays, None, None)
    return datasets.describe(replace(row, created_at=START))


def _round(value: Any) -> Any:
    """Return JSON with rounded numbers."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, list):
        return [_round(item) for item in value]
    if isinstance(value, dict):
        return {name: _round(item) for name, item in value.items()}
    return value


if __name__ == "__main__":
    lines = ",\n".join(
        f"{orjson.dumps(name).decode()}:{orjson.dumps(example).decode()}"
        for name, example in make_examples().items()
    )
    FILE.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
