"""Predict: run the network over sequences."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from anyio import to_thread

from service.engine.network import Network, final_outputs, forward_states
from service.engine.types import Array, Weights
from service.errors import Invalid
from service.operations.context import Context
from service.operations.downloads import Download, computed_table
from service.operations.fit_predictions import (
    StoredFit,
    load_fit,
    predict_with_fit,
    predict_with_fit_csv,
)
from service.operations.limits import Limits
from service.operations.question import Question
from service.operations.resolve import check_targets, resolve_run
from service.operations.work_estimates import network_seconds
from service.schemas.common import Activation
from service.schemas.predict import (
    FitPredictResponse,
    PredictRequest,
    PredictResponse,
    ResolvedModel,
    RunModel,
)
from service.schemas.resolved_datasets import DatasetSize, ResolvedDataset

Sequences: TypeAlias = Array | list[Array]
"""The inputs (N, T) of a dataset, or one array (T_i,) per sequence."""

SMALL = 2_000  # inputs: about a quarter of a millisecond
SMALL_STEPS = 400  # of numpy: about a millisecond


class Source(NamedTuple):
    """The network that a request names, and the dataset if it names one."""

    weights: Weights
    network: Network
    dataset: ResolvedDataset | None


async def resolve_source(request: PredictRequest, context: Context) -> Source | StoredFit:
    """Return what a request names; raises NotFound and Conflict."""
    if request.fit_model is not None:
        arguments = request.fit_model, context.database, context.limits
        return await to_thread.run_sync(load_fit, *arguments)
    model, dataset = request.used_model, None
    if isinstance(model, RunModel):
        weights, network = await to_thread.run_sync(resolve_run, model.id, context.database)
    else:
        weights, network = model.to_weights(), model.to_network()
    if request.dataset is not None:
        dataset = check_targets(await context.resolve(request.dataset))
    return Source(weights, network, dataset)


def estimate_prediction(
    request: PredictRequest, source: Source | StoredFit, _limits: Limits
) -> float:
    """Return the estimated seconds of a prediction, for the slowest activation."""
    if isinstance(source, StoredFit):
        return source.seconds
    if source.dataset is not None:
        return network_seconds(source.dataset.size, 2)
    n_inputs, n_steps = _count_inputs(request.inputs)
    is_small = n_inputs <= SMALL and n_steps <= SMALL_STEPS
    return 0.0 if is_small else network_seconds(DatasetSize(1, n_inputs), 1)


def predict(
    request: PredictRequest, source: Source | StoredFit, limits: Limits
) -> PredictResponse | FitPredictResponse:
    """Return the outputs for the sequences of a request, and their states on request.

    It raises LimitExceeded for too many inputs, or too many numbers for a JSON response.
    """
    if isinstance(source, StoredFit):
        return predict_with_fit(request, source, limits)
    weights, network, dataset = source
    sequences, field = _read_sequences(request, dataset, limits)
    n_sequences, n_inputs = len(sequences), _count_inputs(sequences)[0]
    if request.return_states:
        instead = "request fewer sequences at a time, or omit return_states"
        limits.check_json(n_inputs + 2 * n_sequences, "/return_states", instead)
    else:
        limits.check_json(n_sequences, field, "request fewer at a time, or .csv")
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


def predict_csv(request: PredictRequest, source: Source | StoredFit, limits: Limits) -> Download:
    """Return the outputs as a table, with the targets of a dataset; raises as `predict`."""
    if isinstance(source, StoredFit):
        return predict_with_fit_csv(request, source, limits)
    weights, network, dataset = source
    if request.return_states:
        raise Invalid("a table has no states; they are in JSON", "/return_states")
    sequences, _ = _read_sequences(request, dataset, limits)
    columns = {"output": _predict_outputs(weights, network, sequences)}
    if dataset is not None:
        columns["target"] = dataset.dataset.targets
    numbered = {"sequence": np.arange(len(sequences)), **columns}
    return computed_table("predict.csv", numbered)


def _read_sequences(
    request: PredictRequest, dataset: ResolvedDataset | None, limits: Limits
) -> tuple[Sequences, str]:
    """Return the sequences, and the pointer to them; raises LimitExceeded."""
    sequences: Sequences = request.inputs if dataset is None else dataset.dataset.inputs
    field = "/inputs" if dataset is None else "/dataset"
    limits.check_inputs(_count_inputs(sequences)[0])
    return sequences, field


def _count_inputs(sequences: Sequences) -> tuple[int, int]:
    """Return the number of inputs, and of steps of numpy for all lengths."""
    if isinstance(sequences, np.ndarray):
        return sequences.size, sequences.shape[1]
    lengths = [len(sequence) for sequence in sequences]
    return sum(lengths), sum({*lengths})


def _predict_outputs(weights: Weights, network: Network, sequences: Sequences) -> Array:
    """Return the output of each sequence (N,)."""
    if isinstance(sequences, np.ndarray):
        return final_outputs(sequences, *weights, network)
    outputs = np.empty(len(sequences))
    for members, inputs in _group_by_length(sequences):
        outputs[members] = final_outputs(inputs, *weights, network)
    return outputs


def _predict_states(
    weights: Weights, network: Network, sequences: Sequences
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


def _group_by_length(sequences: Sequences) -> Iterator[tuple[list[int], Array]]:
    """Yield the indices of the sequences of each length, and their inputs (n, T)."""
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for i, sequence in enumerate(sequences):
        groups[len(sequence)].append(i)
    for members in groups.values():
        yield members, np.array([sequences[i] for i in members])


PREDICT = Question(
    path="/v1/predict",
    tag="Prediction",
    name="predict",
    summary="Run the network over sequences",
    description="Return the output of the network for each sequence, and optionally its "
    "states.\n\nA fit returns outputs at every step, with their bands.",
    request_model=PredictRequest,
    response_model=PredictResponse | FitPredictResponse,
    compute=predict,
    estimate=estimate_prediction,
    reducible="inputs",
    resolve=resolve_source,
    tables={"csv": predict_csv},
    estimate_name=estimate_prediction,
    file_summary="Run the network over sequences, as a table",
    file_description="Return a table with one row per sequence: `sequence`, from 0, and its "
    "`output`.\n\nFor a dataset there is a column `target` as well. A fit has one row per step "
    "and the bands of the output. Where an output overflows float64 the field is empty.",
)
