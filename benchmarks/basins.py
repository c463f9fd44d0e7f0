"""The basin map: training from 100 × 100 starts, 500 iterations each."""

import numpy as np

from benchmarks import engine
from benchmarks.harness import Contender, Row, alternate, make_rows
from service.engine.data import count_ones

AXIS = np.linspace(-3.0, 3.0, 100)


def share_at_solution(weights: engine.Array) -> engine.Array:
    """Return the fraction of starts whose run ends at the solution (1, 1), to a hundredth.

    Single paths are chaotic: from some starts the last bit of a gradient changes the result.
    """
    return np.asarray(np.round(np.mean(np.abs(weights - 1.0).max(axis=0) < 0.01), 2))


def measure_basin_map() -> list[Row]:
    """Measure all runs to the end of their 500 iterations."""
    from benchmarks import peer_jax

    data = count_ones()
    objective = engine.prepare(*data)
    contenders = [
        Contender("this service", lambda: engine.basins(objective, AXIS, AXIS)),
        Contender(
            "JAX, vmap of backpropagation",
            lambda: peer_jax.basins(*data, AXIS, AXIS),
            goal=1 / 18,
            compiles=True,
        ),
    ]
    seconds = alternate(contenders, rtol=0.0, rounds=9, budget=12.0, extract=share_at_solution)
    return make_rows("basin map 100 × 100", contenders, seconds)
