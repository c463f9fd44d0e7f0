"""The tutorial's two cost surfaces, 100 × 100 points each."""

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks import engine, tutorial
from benchmarks.harness import Contender, Row, alternate, make_rows
from service.engine.data import count_ones

AXES = np.linspace(-3.0, 3.0, 100), np.linspace(0.0, 2.0, 100)
SERVICE = "this service"

Surface = Callable[[engine.Array, engine.Array, engine.Array, engine.Array], engine.Array]


def evaluate_points(
    inputs: engine.Array, targets: engine.Array, axis: engine.Array
) -> engine.Array:
    """Return the cost on a square grid, computed with numpy for all points and samples at once."""
    state = np.zeros((axis.size, axis.size, len(targets)))
    for x in inputs.T:
        state *= axis[:, None, None]
        state += axis[None, :, None] * x
    state -= targets
    return np.asarray(np.einsum("ijn,ijn->ij", state, state) / len(targets))


def evaluate_rows(inputs: engine.Array, targets: engine.Array, axis: engine.Array) -> engine.Array:
    """Return the same, with one run of the network per row: outputs are proportional to w_in."""
    unit_states = np.zeros((axis.size, len(targets)))
    for x in inputs.T:
        unit_states *= axis[:, None]
        unit_states += x
    errors = axis[:, None] * unit_states[:, None, :] - targets
    return np.asarray(np.einsum("ijn,ijn->ij", errors, errors) / len(targets))


def evaluate_all(run: Surface, data: tuple[engine.Array, engine.Array]) -> list[engine.Array]:
    """Return both surfaces, computed by ``run``."""
    return [run(*data, axis, axis) for axis in AXES]


def measure_surfaces(*, quick: bool = False) -> list[Row]:
    """Measure both surfaces with moments computed beforehand, as for every later request.

    The goals compare with peers that run the network at every point. Peers that run it once per
    row use half of the structure that moments use, and have separate rows.
    """
    data = count_ones()
    objective = engine.prepare(*data)
    contenders = [
        Contender(SERVICE, lambda: [engine.surface(objective, axis, axis) for axis in AXES]),
        Contender(
            "the tutorial's loop",
            partial(evaluate_all, tutorial.surface, data),
            goal=1 / 6000,
        ),
        Contender(
            "numpy, every point",
            lambda: [evaluate_points(*data, axis) for axis in AXES],
            goal=1 / 50,
        ),
        Contender(
            "numpy, once per row",
            lambda: [evaluate_rows(*data, axis) for axis in AXES],
            kind="numpy, once per row",
        ),
    ]
    if not quick:
        from benchmarks import peer_jax

        for name, run, goal in (
            ("JAX, every point", peer_jax.surface, 1 / 15),
            ("JAX, once per row", peer_jax.surface_by_rows, None),
        ):
            contenders.append(
                Contender(
                    name,
                    partial(evaluate_all, run, data),
                    goal=goal,
                    kind=name,
                    compiles=True,
                )
            )
    seconds = alternate(contenders, rtol=1e-6, rounds=25, budget=4.0)
    notes = f"moments known; with the data pass {1e6 * measure_with_data_pass():.3g} µs"
    return make_rows("the tutorial's two surfaces", contenders, seconds, notes)


def measure_with_data_pass() -> float:
    """Return the seconds for both surfaces if the moments have to be computed first."""
    data = count_ones()
    first = Contender(
        SERVICE, lambda: [engine.surface(engine.prepare(*data), axis, axis) for axis in AXES]
    )
    return alternate([first], rtol=0.0)[SERVICE]
