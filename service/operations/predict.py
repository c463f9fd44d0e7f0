"""Predict: run the network over sequences."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from service.engine.network import Network, final_outputs, forward_states
from service.engine.types import Array, Weights
from service.errors import Invalid
from service.operations.downloads import Download, computed_table
from service.operations.limits import Limits
from service.operations.resolve import resolve_model
from service.operations.work_estimates import prediction_seconds, reading_seconds
from service.schemas.arrays import NumberRows
from service.schemas.common import Activation
from service.schemas.predict import (
    PredictRequest,
    PredictResponse,
    ResolvedModel,
    WeightsModel,
)
from service.schemas.resolved_datasets import ResolvedDataset
from service.store.database import Database

SMALL = 2_000  # inputs: about a quarter of a millisecond
SMALL_STEPS = 400  # of numpy: about a millisecond


def is_small(request: PredictRequest) -> bool:
    """Return whether a prediction takes at most about a millisecond, with weights in the request.

    The outputs for a few sequences need no step of numpy if the activation is the identity.
    """
    inputs, model = request.rows, request.used_model
    if inputs.numbers.size > SMALL:
        return False
    if inputs.numbers.size <= SMALL_STEPS or inputs.n_steps <= SMALL_STEPS:
        return True
    is_identity = isinstance(model, WeightsModel) and model.activation == "identity"
    return is_identity and not request.return_states


def estimate_prediction(request: PredictRequest, dataset: ResolvedDataset | None) -> float:
    """Return the estimated seconds of a prediction, for the slowest activation."""
    if dataset is None:
        return prediction_seconds(request.rows.numbers.size, request.rows.n_steps)
    n_samples, n_steps = dataset.size[:2]
    return reading_seconds(dataset.size) + prediction_seconds(n_samples * n_steps, n_steps)


def predict(
    request: PredictRequest,
    database: Database,
    limits: Limits,
    dataset: ResolvedDataset | None = None,
) -> PredictResponse:
    """Return the outputs for the sequences of a request, and their states on request.

    Parameters
    ----------
    dataset
        The dataset of the request, if it names one.

    Raises
    ------
    LimitExceeded
        There are too many inputs, or too many numbers for a JSON response.
    NotFound, Conflict
        The model is a run that is not stored, or that has no result.
    """
    sequences, field = _read_sequences(request, dataset, limits)
    n_inputs, n_sequences = sequences.numbers.size, len(sequences)
    if request.return_states:
        instead = "request fewer sequences at a time, or omit return_states"
        limits.check_json(n_inputs + 2 * n_sequences, "/return_states", instead)
    else:
        limits.check_json(n_sequences, field, "request fewer at a time, or .csv")
    weights, network = resolve_model(request.used_model, database)
    states: list[Array] | None = None
    if request.return_states:
        outputs, states = _predict_states(weights, network, sequences)
    else:
        outputs = _predict_outputs(weights, network, sequences)
    return PredictResponse(
        outputs=outputs,
        states=states,
        n_overflowed=len(outputs) - int(np.count_nonzero(np.isfinite(outputs))),
        model=ResolvedModel(
            w_in=weights.w_in,
            w_rec=weights.w_rec,
            initial_state=network.initial_state,
            activation=Activation(network.activation),
        ),
    )


def predict_csv(
    request: PredictRequest, database: Database, limits: Limits, dataset: ResolvedDataset | None
) -> Download:
    """Return the outputs as a table, with the targets of a dataset; raises as `predict`."""
    if request.return_states:
        raise Invalid("a table has no states; they are in JSON", "/return_states")
    sequences, _ = _read_sequences(request, dataset, limits)
    weights, network = resolve_model(request.used_model, database)
    columns = {"output": _predict_outputs(weights, network, sequences)}
    if dataset is not None:
        columns["target"] = dataset.dataset.targets
    numbered = {"sequence": np.arange(len(sequences)), **columns}
    return computed_table("predict.csv", numbered)


def _read_sequences(
    request: PredictRequest, dataset: ResolvedDataset | None, limits: Limits
) -> tuple[NumberRows, str]:
    """Return the sequences, and the pointer to them; raises LimitExceeded."""
    sequences, field = request.rows, "/inputs"
    if dataset is not None:
        sequences, field = NumberRows.from_matrix(dataset.dataset.inputs), "/dataset"
    n_inputs = sequences.numbers.size
    limits.check_inputs(n_inputs)
    if n_inputs > SMALL:
        limits.check_work(prediction_seconds(n_inputs, sequences.n_steps), field)
    return sequences, field


def _predict_outputs(weights: Weights, network: Network, sequences: NumberRows) -> Array:
    """Return the output of each sequence (N,)."""
    matrix = sequences.matrix
    if matrix is not None:
        return final_outputs(matrix, *weights, network)
    outputs = np.empty(len(sequences))
    for members, inputs in _group_by_length(sequences):
        outputs[members] = final_outputs(inputs, *weights, network)
    return outputs


def _predict_states(
    weights: Weights, network: Network, sequences: NumberRows
) -> tuple[Array, list[Array]]:
    """Return the outputs (N,), and the states of each sequence (T_i + 1,)."""
    outputs = np.empty(len(sequences))
    states = [outputs] * len(sequences)
    for members, inputs in _group_by_length(sequences):
        unfolded = forward_states(inputs, *weights, network)
        outputs[members] = unfolded[:, -1]
        for i, row in zip(members, unfolded, strict=True):
            states[i] = row
    return outputs, states


def _group_by_length(sequences: NumberRows) -> Iterator[tuple[NDArray[np.intp], Array]]:
    """Yield the indices of the sequences of each length, and their inputs (n, T)."""
    order = np.argsort(sequences.lengths, kind="stable")
    lengths, first = np.unique(sequences.lengths[order], return_index=True)
    starts = sequences.starts
    for length, members in zip(lengths, np.split(order, first[1:]), strict=True):
        yield members, sequences.numbers[starts[members, np.newaxis] + np.arange(length)]
