"""Predictions."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from service.engine.network import Network, forward_states
from service.engine.types import Array, Weights
from service.schemas.common import Activation
from service.schemas.models import ModelAnswer, PredictAnswer


def predict(
    weights: Weights, network: Network, sequences: Sequence[Array], *, return_states: bool
) -> PredictAnswer:
    """Run the network over sequences, each (T_i,), whose lengths may differ."""
    alike = defaultdict(list)
    for i, sequence in enumerate(sequences):
        alike[len(sequence)].append(i)
    outputs = np.empty(len(sequences))
    states: list[Array] = [outputs] * (len(sequences) if return_states else 0)
    for members in alike.values():
        inputs = np.array([sequences[i] for i in members])
        unfolded = forward_states(inputs, *weights, network)
        outputs[members] = unfolded[:, -1]
        if return_states:
            for i, row in zip(members, unfolded, strict=True):
                states[i] = row
    return PredictAnswer(
        outputs=outputs,
        states=states if return_states else None,
        n_overflowed=int(np.count_nonzero(~np.isfinite(outputs))),
        model=ModelAnswer(
            w_in=weights.w_in,
            w_rec=weights.w_rec,
            initial_state=network.initial_state,
            activation=Activation(network.activation),
        ),
    )
