"""Predict: run the network over sequences."""

from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np

from service.engine.network import Network, final_outputs, forward_states
from service.engine.types import Array, Weights
from service.operations.limits import Limits
from service.operations.resolve import resolve_model
from service.operations.work_estimates import prediction_seconds
from service.schemas.common import Activation
from service.schemas.predict import PredictRequest, PredictResponse, ResolvedModel
from service.store.database import Database

SMALL = 2_000  # inputs: about a quarter of a millisecond


def count_inputs(request: PredictRequest) -> int:
    """Return the number of inputs of all sequences."""
    return sum(map(len, request.inputs))


def estimate_prediction(request: PredictRequest) -> float:
    """Return the estimated seconds of a prediction, for the slowest activation."""
    return prediction_seconds("tanh", map(len, request.inputs))


def predict(request: PredictRequest, database: Database, limits: Limits) -> PredictResponse:
    """Return the outputs for the sequences of a request, and their states on request.

    Raises
    ------
    LimitExceeded
        There are too many inputs, or too many numbers for a JSON response.
    NotFound, Conflict
        The model is a run that is not stored, or that has no result.
    """
    n_inputs = count_inputs(request)
    _check(request, n_inputs, limits)
    weights, network = resolve_model(request.model, database)
    if n_inputs > SMALL:
        seconds = prediction_seconds(network.activation, map(len, request.inputs))
        limits.check_work(seconds, "/inputs")
    states: list[Array] | None = None
    if request.return_states:
        outputs, states = _predict_states(weights, network, request.inputs)
    else:
        outputs = _predict_outputs(weights, network, request.inputs)
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


def _check(request: PredictRequest, n_inputs: int, limits: Limits) -> None:
    n_sequences = len(request.inputs)
    limits.check_inputs(n_inputs)
    if request.return_states:
        instead = "request fewer sequences at a time, or omit return_states"
        limits.check_json(n_inputs + 2 * n_sequences, "/return_states", instead)
    else:
        limits.check_json(n_sequences, "/inputs", "request fewer at a time")


def _predict_outputs(weights: Weights, network: Network, sequences: Sequence[Array]) -> Array:
    """Return the output of each sequence (N,)."""
    if len(set(map(len, sequences))) == 1:
        return final_outputs(np.array(sequences), *weights, network)
    outputs = np.empty(len(sequences))
    for members in _group_by_length(sequences):
        inputs = np.array([sequences[i] for i in members])
        outputs[members] = final_outputs(inputs, *weights, network)
    return outputs


def _predict_states(
    weights: Weights, network: Network, sequences: Sequence[Array]
) -> tuple[Array, list[Array]]:
    """Return the outputs (N,), and the states of each sequence (T_i + 1,)."""
    outputs = np.empty(len(sequences))
    states = [outputs] * len(sequences)
    for members in _group_by_length(sequences):
        unfolded = forward_states(np.array([sequences[i] for i in members]), *weights, network)
        outputs[members] = unfolded[:, -1]
        for i, row in zip(members, unfolded, strict=True):
            states[i] = row
    return outputs, states


def _group_by_length(sequences: Sequence[Array]) -> Collection[list[int]]:
    """Return the indices of the sequences, grouped by length."""
    groups = defaultdict(list)
    for i, sequence in enumerate(sequences):
        groups[len(sequence)].append(i)
    return groups.values()
