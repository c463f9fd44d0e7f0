"""The basin map: training from 100 × 100 starts, 500 iterations each."""

import numpy as np

from benchmarks import ours
from benchmarks.harness import Contender, Row, alternate, rows
from service.engine.data import count_ones

AXIS = np.linspace(-3.0, 3.0, 100)


def arrived(weights: ours.Array) -> ours.Array:
    """Return the share of starts whose run ends at the answer, (1, 1), to a hundredth.

    Single paths are chaotic: from some starts the last bit of a gradient decides.
    """
    return np.round(np.mean(np.abs(weights - 1.0).max(axis=0) < 0.01), 2)


def maps() -> list[Row]:
    """Measure every start to the end of its 500 iterations."""
    from benchmarks import peer_jax

    data = count_ones()
    objective = ours.prepared(*data)
    contenders = [
        Contender("ours", lambda: ours.basins(objective, AXIS, AXIS)),
        Contender(
            "JAX, vmap of backpropagation",
            lambda: peer_jax.basins(*data, AXIS, AXIS),
            at_most=1 / 18,
            compiles=True,
        ),
    ]
    seconds = alternate(contenders, rtol=0.0, rounds=9, budget=12.0, look=arrived)
    return rows("basin map 100 × 100", contenders, seconds)
