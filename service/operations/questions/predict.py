"""Predict: run the network over sequences."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from service.engine.network import Network, final_outputs, forward_states
from service.engine.types import Array, Weights
from service.errors import Invalid
from service.operations.questions.fit_predictions import (
    StoredFit,
    draw_plans,
    load_fit,
    name_plans,
    predict_with_fit,
    predict_with_fit_csv,
)
from service.operations.questions.question import Question
from service.operations.shared.context import Context
from service.operations.shared.downloads import Download, computed_table
from service.operations.shared.limits import Limits
from service.operations.shared.resolve import (
    check_targets,
    resolve_run,
)
from service.operations.shared.work_estimates import fit_seconds, network_seconds
from service.schemas.predict import (
    FitModel,
    FitPredictResponse,
    PlansPictureRequest,
    PredictRequest,
    PredictResponse,
    ResolvedModel,
    RunModel,
)
from service.schemas.resolved_datasets import DatasetSize, ResolvedDataset

# The inputs (N, T) of a dataset, or one array (T_i,) per sequence.
Sequences: TypeAlias = Array | list[Array]

SMALL = 2_000  # inputs: about a quarter of a millisecond
SMALL_STEPS = 400  # of numpy: about a millisecond


class Source(NamedTuple):
    """The network of a request, and its dataset, if any."""

    weights: Weights
    network: Network
    dataset: ResolvedDataset | None


async def resolve_source(request: PredictRequest, context: Context) -> Source | StoredFit:
    """Return the source of a request; raises NotFound and Conflict."""
    if isinstance(request.model, FitModel):
        arguments = request.model, context.database, context.limits
        return await to_thread.run_sync(load_fit, *arguments)
    model = request.model
    dataset = None
    if isinstance(model, RunModel):
        weights, network = await to_thread.run_sync(resolve_run, model.id, context.database)
    else:
        weights = (model or request.weights).to_weights()
        network = (model or request.network).to_network()
    if request.dataset is not None:
        dataset = check_targets(await context.resolve(request.dataset))
    return Source(weights, network, dataset)


def estimate_prediction(
    request: PredictRequest, source: Source | StoredFit, _limits: Limits
) -> float:
    """Return the estimated seconds of a prediction, for the slowest activation."""
    if isinstance(source, StoredFit):
        return fit_seconds(source.request, source.dataset.size, 1)  # of one search
    if source.dataset is not None:
        return network_seconds(source.dataset.size, 2)
    lengths = [*map(len, request.inputs)]
    n_inputs, n_steps = sum(lengths), sum({*lengths})  # of equal length: computed together
    is_small = n_inputs <= SMALL and n_steps <= SMALL_STEPS
    return 0.0 if is_small else network_seconds(DatasetSize(1, n_inputs), 1)


def predict(
    request: PredictRequest, source: Source | StoredFit, limits: Limits
) -> PredictResponse | FitPredictResponse:
    """Run the network over sequences.

    Return the output of the network for each sequence, and optionally its states.

    A fit returns outputs at every step, with their bands. Of several plans it also returns the
    differences from the first one, and the input that reaches a goal.
    """
    if isinstance(source, StoredFit):
        return predict_with_fit(request, source, limits)
    weights, network, dataset = source
    sequences = _find_sequences(request, dataset, limits)
    if request.return_states:
        instead = "request fewer sequences at a time, or omit return_states"
        n_numbers = sum(map(len, sequences)) + 2 * len(sequences)
        limits.check_json(n_numbers, "/return_states", instead)
    else:
        field = "/inputs" if dataset is None else "/dataset"
        limits.check_json(len(sequences), field, "request fewer at a time, or .csv")
    outputs, states = _run(source, sequences, with_states=request.return_states)
    return PredictResponse(
        outputs=outputs,
        states=states,
        n_overflowed=len(outputs) - int(np.count_nonzero(np.isfinite(outputs))),
        model=ResolvedModel.model_validate(weights._asdict() | vars(network)),
    )


def predict_csv(request: PredictRequest, source: Source | StoredFit, limits: Limits) -> Download:
    """Run the network over sequences, as a table.

    Return a table with one row per sequence: `sequence`, from 0, and its `output`.

    For a dataset there is also a column `target`. A fit has one row per step, with its `time` if a
    sequence with times is continued, and the bands of the output. Plans also have the differences
    from the first one. If an output overflows float64, the field is empty.
    """
    if isinstance(source, StoredFit):
        return predict_with_fit_csv(request, source, limits)
    if request.return_states:
        raise Invalid("a table has no states; they are in JSON", "/return_states")
    sequences = _find_sequences(request, source.dataset, limits)
    outputs, _ = _run(source, sequences, with_states=False)
    columns = {"sequence": np.arange(len(sequences)), "output": outputs}
    if source.dataset is not None:
        columns["target"] = source.dataset.dataset.targets
    return computed_table("predict.csv", columns)


def _find_sequences(
    request: PredictRequest, dataset: ResolvedDataset | None, limits: Limits
) -> Sequences:
    """Return the sequences; raises LimitExceeded."""
    if dataset is not None:
        return dataset.dataset.inputs
    limits.check_inputs(sum(map(len, request.inputs)))
    return request.inputs


def _run(
    source: Source, sequences: Sequences, *, with_states: bool
) -> tuple[Array, list[Array] | None]:
    """Return the output of each sequence (N,), and its states (T_i + 1,) if requested."""
    weights, network, _ = source
    outputs = np.empty(len(sequences))
    states = [outputs] * len(sequences) if with_states else None
    for members, inputs in _group_by_length(sequences):
        if states is None:
            outputs[members] = final_outputs(inputs, *weights, network)
            continue
        unfolded = forward_states(inputs, *weights, network)
        outputs[members] = unfolded[:, -1]
        for i, row in zip(members, unfolded, strict=True):
            states[i] = row
    return outputs, states


def _group_by_length(sequences: Sequences) -> Iterator[tuple[list[int] | NDArray[np.intp], Array]]:
    """Yield the indices of the sequences of each length, and their inputs (n, T)."""
    if isinstance(sequences, np.ndarray):
        yield np.arange(len(sequences)), sequences
        return
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for i, sequence in enumerate(sequences):
        groups[len(sequence)].append(i)
    for members in groups.values():
        yield members, np.array([sequences[i] for i in members])


PREDICT = Question(
    path="/v1/predict",
    tag="Prediction",
    compute=predict,
    estimate=estimate_prediction,
    reducible="inputs",
    resolve=resolve_source,
    tables={"csv": predict_csv},
    draw=draw_plans,
    picture_size=(760, 520),
    picture_model=PlansPictureRequest,
    name_request=name_plans,
    estimate_name=estimate_prediction,
)
