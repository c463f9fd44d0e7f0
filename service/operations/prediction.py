"""Predictions."""

from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np

from service.engine.network import Network, final_outputs, forward_states
from service.engine.types import Array, Weights
from service.schemas.models import ModelAnswer, PredictAnswer


def predict(
    weights: Weights, network: Network, sequences: Sequence[Array], *, return_states: bool
) -> PredictAnswer:
    """Run the network over sequences, each (T_i,), whose lengths may differ."""
    outputs = np.empty(len(sequences))
    states: list[Array] = [outputs] * (len(sequences) if return_states else 0)
    for members in _alike(sequences):
        inputs = np.array([sequences[i] for i in members])
        if not return_states:
            outputs[members] = final_outputs(inputs, *weights, network)
            continue
        unfolded = forward_states(inputs, *weights, network)
        outputs[members] = unfolded[:, -1]
        for i, row in zip(members, unfolded, strict=True):
            states[i] = row
    # Built without validation, which would cost more than a small prediction.
    return PredictAnswer.model_construct(
        outputs=outputs,
        states=states if return_states else None,
        n_overflowed=len(outputs) - int(np.count_nonzero(np.isfinite(outputs))),
        model=ModelAnswer.model_construct(
            w_in=weights.w_in,
            w_rec=weights.w_rec,
            initial_state=network.initial_state,
            activation=network.activation,
        ),
    )


def _alike(sequences: Sequence[Array]) -> Collection[list[int]]:
    """Return the indices of the sequences in groups of one length."""
    alike = defaultdict(list)
    for i, sequence in enumerate(sequences):
        alike[len(sequence)].append(i)
    return alike.values()
