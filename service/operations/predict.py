"""Predictions."""

from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np

from service.engine.network import Network, final_outputs, forward_states
from service.engine.types import Array, Weights
from service.schemas.predict import PredictResponse, ResolvedModel


def predict(
    weights: Weights, network: Network, sequences: Sequence[Array], *, return_states: bool
) -> PredictResponse:
    """Run the network over sequences, each (T_i,), whose lengths may differ."""
    states: list[Array] = []
    if return_states:
        outputs, states = _unfolded(weights, network, sequences)
    elif len(set(map(len, sequences))) == 1:
        outputs = final_outputs(np.array(sequences), *weights, network)
    else:
        outputs = np.empty(len(sequences))
        for members in _alike(sequences):
            inputs = np.array([sequences[i] for i in members])
            outputs[members] = final_outputs(inputs, *weights, network)
    # Built without validation, which would cost more than a small prediction.
    return PredictResponse.model_construct(
        outputs=outputs,
        states=states if return_states else None,
        n_overflowed=len(outputs) - int(np.count_nonzero(np.isfinite(outputs))),
        model=ResolvedModel.model_construct(
            w_in=weights.w_in,
            w_rec=weights.w_rec,
            initial_state=network.initial_state,
            activation=network.activation,
        ),
    )


def _unfolded(
    weights: Weights, network: Network, sequences: Sequence[Array]
) -> tuple[Array, list[Array]]:
    """Return the outputs, and of each sequence the states (T_i + 1,)."""
    outputs = np.empty(len(sequences))
    states = [outputs] * len(sequences)
    for members in _alike(sequences):
        unfolded = forward_states(np.array([sequences[i] for i in members]), *weights, network)
        outputs[members] = unfolded[:, -1]
        for i, row in zip(members, unfolded, strict=True):
            states[i] = row
    return outputs, states


def _alike(sequences: Sequence[Array]) -> Collection[list[int]]:
    """Return the indices of the sequences in groups of one length."""
    alike = defaultdict(list)
    for i, sequence in enumerate(sequences):
        alike[len(sequence)].append(i)
    return alike.values()
