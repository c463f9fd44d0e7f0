"""Predict with a stored fit."""

from typing import Any, NamedTuple

import numpy as np

from service.engine.fit import Prediction, predict, restore
from service.engine.profile import Interval
from service.engine.types import Array
from service.errors import Invalid, count
from service.operations.downloads import Download, computed_table
from service.operations.limits import Limits
from service.operations.resolve import get_succeeded, resolve_dataset
from service.operations.work_estimates import fit_seconds
from service.schemas.fits import FitRequest
from service.schemas.predict import FitModel, FitPredictModel, FitPredictResponse, PredictRequest
from service.schemas.resolved_datasets import AnyDataset
from service.store.database import Database

BANDS = ("low", "high", "new_low", "new_high")


class StoredFit(NamedTuple):
    """A stored fit and its dataset, which is loaded when needed."""

    id: str
    request: FitRequest
    result: dict[str, Any]
    dataset: AnyDataset

    @property
    def seconds(self) -> float:
        """The estimated seconds of a prediction, which samples the interval again."""
        is_colored = self.request.noise == "ar1"
        return fit_seconds(self.dataset.size, 1, is_colored=is_colored)


def load_fit(model: FitModel, database: Database, limits: Limits) -> StoredFit:
    """Return a stored fit; raises NotFound, Conflict, and LimitExceeded if it is too large."""
    row = get_succeeded("fit", model.id, database)
    request = FitRequest.model_validate(row.request)
    dataset = resolve_dataset(request.dataset, database, limits)
    return StoredFit(model.id, request, row.result or {}, dataset)


def predict_with_fit(
    request: PredictRequest, fitted: StoredFit, limits: Limits
) -> FitPredictResponse:
    """Return predictions for every step.

    It raises Invalid if the inputs are not those of the fit, or the initial state is unknown.
    """
    predictions = _predict(request, fitted, limits)
    n_steps = sum(len(prediction.outputs) for prediction in predictions)
    limits.check_json(5 * n_steps, "/inputs", "request fewer at a time, or .csv")
    outputs = [prediction.outputs for prediction in predictions]
    result = fitted.result
    delay = result["delay"]["value"]
    n_missing = 0 if request.continue_ else sum(min(delay, len(row)) for row in outputs)
    n_finite = sum(int(np.count_nonzero(np.isfinite(row))) for row in outputs)
    return FitPredictResponse(
        outputs=outputs,
        **{name: [getattr(prediction, name) for prediction in predictions] for name in BANDS},
        n_overflowed=n_steps - n_missing - n_finite,
        model=FitPredictModel(
            id=fitted.id,
            w_rec=result["w_rec"]["value"],
            w_in=[item["w_in"]["value"] for item in result["inputs"]],
            offset=result["offset"] and result["offset"]["value"],
            delay=delay,
        ),
        trust=result["trust"],
    )


def predict_with_fit_csv(request: PredictRequest, fitted: StoredFit, limits: Limits) -> Download:
    """Return the same as a CSV table; raises the same errors as `predict_with_fit`."""
    predictions = _predict(request, fitted, limits)
    lengths = [len(prediction.outputs) for prediction in predictions]
    names = ("output", *BANDS)
    numbers = dict(zip(names, map(np.concatenate, zip(*predictions, strict=True)), strict=True))
    numbered = {
        "sequence": np.repeat(np.arange(len(lengths)), lengths),
        "step": np.concatenate([np.arange(1, length + 1) for length in lengths]),
    }
    return computed_table("predict.csv", numbered | numbers)


def _predict(request: PredictRequest, fitted: StoredFit, limits: Limits) -> list[Prediction]:
    model, result, series = request.fit_model, fitted.result, fitted.dataset.series
    assert model is not None  # noqa: S101 - a fit was loaded for it
    inputs = _read_inputs(request, len(series.input_names), limits)
    sequence = request.continue_.sequence if request.continue_ else None
    if sequence is not None and sequence >= len(series.lengths):
        detail = f"the dataset has {count(len(series.lengths), 'sequence')}, counted from 0"
        raise Invalid(detail, "/continue/sequence")
    delay, w_rec = result["delay"]["value"], result["w_rec"]
    intervals = [Interval(item["low"], item["high"]) for item in w_rec["intervals"]]
    options, state = fitted.request.to_options(), model.initial_state
    solution = restore(series, options, delay, w_rec["value"], intervals)
    try:
        return predict(solution, inputs, sequence=sequence, initial_state=state)
    except ValueError as error:
        where = "/model/initial_state" if sequence is None else "/continue/sequence"
        raise Invalid(str(error), where) from None


def _read_inputs(request: PredictRequest, n_inputs: int, limits: Limits) -> list[Array]:
    """Return the inputs of every sequence (T, q); raises Invalid and LimitExceeded."""
    inputs = [row[:, None] if row.ndim == 1 else row for row in request.inputs]
    limits.check_inputs(sum(row.size for row in inputs))
    for i, row in enumerate(inputs):
        if row.shape[1] != n_inputs:
            detail = f"the fit has {count(n_inputs, 'input')}, a step here has {row.shape[1]}"
            raise Invalid(detail, f"/inputs/{i}")
    return inputs
