"""Predictions with a stored fit: of sequences, and of plans."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from service import store
from service.engine.fit import Prediction
from service.engine.fit import predict as predict_steps
from service.engine.types import Array
from service.errors import Invalid, count
from service.formats import encode_name
from service.operations.questions.plans import (
    compare_plans,
    reach_goal,
    summarize_predictions,
)
from service.operations.shared.downloads import Common, Download, computed_table
from service.operations.shared.limits import Limits
from service.operations.shared.resolve import get_succeeded, resolve_dataset
from service.operations.shared.stored_fits import restore_fit
from service.rendering import requests as pictures
from service.schemas.fits import FitRequest
from service.schemas.plans import DifferenceReport, GoalReport
from service.schemas.predict import (
    FitModel,
    FitPredictModel,
    FitPredictResponse,
    PlansPictureRequest,
    PredictRequest,
)
from service.schemas.resolved_datasets import AnyDataset
from service.values.steps import list_times

DIFFERENCE_COLUMNS = {
    "difference": "outputs",
    "difference_low": "low",
    "difference_high": "high",
}
SHOWN_TARGETS = 12  # before plans in a picture, at least
BANDS = ("low", "high", "new_low", "new_high")


class StoredFit(NamedTuple):
    """A stored fit and its dataset, which is loaded when needed."""

    model: FitModel
    request: FitRequest
    result: dict[str, Any]
    dataset: AnyDataset


def load_fit(model: FitModel, database: "store.Database", limits: Limits) -> StoredFit:
    """Return a stored fit; raises NotFound, Conflict, and LimitExceeded if it is too large."""
    row = get_succeeded("fit", model.id, database)
    request = FitRequest.model_validate(row.request)
    dataset = resolve_dataset(request.dataset, database, limits)
    return StoredFit(model, request, row.result or {}, dataset)


def predict_with_fit(
    request: PredictRequest, fitted: StoredFit, limits: Limits
) -> FitPredictResponse:
    """Return predictions for every step.

    It raises Invalid if the inputs do not match the fit, or the initial state is unknown.
    """
    predictions, differences, goal = _predict_steps(request, fitted, limits)
    n_steps = sum(len(prediction.outputs) for prediction in predictions)
    field = "/inputs" if request.plans is None else "/plans"
    limits.check_json(8 * n_steps, field, "request fewer at a time, or .csv")
    outputs = [prediction.outputs for prediction in predictions]
    result, series = fitted.result, fitted.dataset.series
    delay = result["delay"]["value"]
    names = [plan.name for plan in request.plans or ()]
    inputs = _read_inputs(request, len(series.input_names), limits)
    plans = dict(zip(names, predictions, strict=bool(names)))
    summary = summarize_predictions(result, series, inputs, plans, differences, goal)
    has_missing = not request.continue_ and isinstance(fitted.request.initial_state, str)
    n_missing = sum(min(delay, len(row)) for row in outputs) if has_missing else 0
    n_finite = sum(int(np.count_nonzero(np.isfinite(row))) for row in outputs)
    return FitPredictResponse(
        outputs=outputs,
        **{name: [getattr(prediction, name) for prediction in predictions] for name in BANDS},
        times=_list_times(request, fitted, len(outputs[0])),
        n_overflowed=n_steps - n_missing - n_finite,
        model=FitPredictModel(
            id=fitted.model.id,
            w_rec=result["w_rec"] and result["w_rec"]["value"],
            w_in=[item["w_in"]["value"] for item in result["inputs"]],
            offset=result["offset"] and result["offset"]["value"],
            delay=delay,
        ),
        trust=result["trust"],
        summary=summary,
        plans=names or None,
        differences=differences if names else None,
        goal=goal,
    )


def _list_times(request: PredictRequest, fitted: StoredFit, n_steps: int) -> list[list[str]] | None:
    """Return the times of the steps after a sequence; None without times, or for new sequences."""
    series = fitted.dataset.series
    if request.continue_ is None or not series.start_times:
        return None
    sequence = request.continue_.sequence
    steps = series.lengths[sequence] + np.arange(n_steps)
    numbers = np.full(n_steps, sequence)
    return [list_times(series.start_times, series.step, numbers, steps).tolist()]


def predict_with_fit_csv(request: PredictRequest, fitted: StoredFit, limits: Limits) -> Download:
    """Return the same as a CSV table; raises the same errors as `predict_with_fit`."""
    predictions, differences, _ = _predict_steps(request, fitted, limits)
    lengths = [len(prediction.outputs) for prediction in predictions]
    names = ("output", *BANDS)
    numbers = dict(zip(names, map(np.concatenate, zip(*predictions, strict=True)), strict=True))
    plans = [plan.name for plan in request.plans or ()]
    first = (
        {"plan": np.array([*map(encode_name, plans)], object)}
        if plans
        else {"sequence": np.arange(len(lengths))}
    )
    numbered = {name: np.repeat(column, lengths) for name, column in first.items()}
    numbered["step"] = np.concatenate([np.arange(1, length + 1) for length in lengths])
    times = _list_times(request, fitted, lengths[0])
    if times:
        numbered["time"] = np.array(times * len(lengths), object).ravel()
    if plans:
        blank = np.full(lengths[0], np.nan)
        for name, field in DIFFERENCE_COLUMNS.items():
            numbers[name] = np.concatenate([blank, *(getattr(d, field) for d in differences)])
    return computed_table("predict.csv", numbered | numbers)


def name_plans(request: PredictRequest) -> dict[str, Any]:
    """Return the request of a picture of plans."""
    return request.model_dump(mode="json", exclude={"inputs"}, exclude_unset=True, by_alias=True)


def draw_plans(
    request: PlansPictureRequest,
    fitted: StoredFit,
    limits: Limits,
    common: Common,
    _: "store.Database",
) -> pictures.PlansPictureRequest:
    """Draw plans of a fit.

    Draw each plan as a line in its band, after the last targets of a sequence that is continued.
    The differences from the first plan are below.
    """
    answer = predict_with_fit(request, fitted, limits)
    series = fitted.dataset.series
    targets = np.empty(0)
    starts: Sequence[str | float] = ()
    if request.continue_ is not None:
        sequence = request.continue_.sequence
        starts = series.start_times[sequence : sequence + 1]
        targets = np.split(series.targets, np.cumsum(series.lengths))[sequence]
    n_shown = max(SHOWN_TARGETS, 2 * len(answer.outputs[0]))
    return pictures.PlansPictureRequest(
        names=answer.plans or (),
        plans=[
            np.array(line) for line in zip(answer.outputs, answer.low, answer.high, strict=True)
        ],
        differences=[np.array([d.outputs, d.low, d.high]) for d in answer.differences or ()],
        targets=targets[-n_shown:],
        n_before=len(targets),
        starts=starts,
        verdict=answer.summary.sentences[0],
        result=fitted.result,
        step=series.step,
        confidence=fitted.request.confidence,
        **common,
    )


def _predict_steps(
    request: PredictRequest, fitted: StoredFit, limits: Limits
) -> tuple[list[Prediction], list[DifferenceReport], GoalReport | None]:
    """Return predictions, and for plans their differences and the goal."""
    result, series = fitted.result, fitted.dataset.series
    inputs = _read_inputs(request, len(series.input_names), limits)
    sequence = request.continue_.sequence if request.continue_ else None
    if sequence is not None and sequence >= len(series.lengths):
        detail = f"the dataset has {count(len(series.lengths), 'sequence')}, counted from 0"
        raise Invalid(detail, "/continue/sequence")
    start: dict[str, Any] = {"sequence": sequence, "initial_state": fitted.model.initial_state}
    solution = restore_fit(fitted.request, result, series)
    goal = None
    try:
        predictions = predict_steps(solution, inputs, **start)
        differences = compare_plans(solution, request.plans or (), inputs, **start)
    except ValueError as error:
        where = "/model/initial_state" if sequence is None else "/continue/sequence"
        raise Invalid(str(error), where) from None
    if request.goal is not None:
        goal = reach_goal(solution, request.goal, series.input_names, inputs[0], **start)
    return predictions, differences, goal


def _read_inputs(request: PredictRequest, n_inputs: int, limits: Limits) -> list[Array]:
    """Return the inputs of every sequence (T, q); raises Invalid and LimitExceeded."""
    inputs = [row[:, None] if row.ndim == 1 else row for row in request.sequences]
    limits.check_inputs(sum(row.size for row in inputs))
    for i, row in enumerate(inputs):
        if row.shape[1] != n_inputs:
            detail = f"the fit has {count(n_inputs, 'input')}, a step here has {row.shape[1]}"
            where = f"/inputs/{i}" if request.plans is None else f"/plans/{i}/inputs"
            raise Invalid(detail, where)
    return inputs
