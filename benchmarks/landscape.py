"""The note's two cost surfaces, 100 × 100 each."""

import numpy as np

from benchmarks import note, ours
from benchmarks.harness import Contender, Row, alternate, rows
from service.engine.data import count_ones

AXES = np.linspace(-3.0, 3.0, 100), np.linspace(0.0, 2.0, 100)


def directly(inputs: ours.Array, targets: ours.Array, axis: ours.Array) -> ours.Array:
    """Evaluate the cost on a square grid with numpy, all points and samples at once."""
    state = np.zeros((axis.size, axis.size, len(targets)))
    for x in inputs.T:
        state *= axis[:, None, None]
        state += axis[None, :, None] * x
    state -= targets
    return np.einsum("ijn,ijn->ij", state, state) / len(targets)


def by_rows(inputs: ours.Array, targets: ours.Array, axis: ours.Array) -> ours.Array:
    """Evaluate the same, the network run once a row: outputs are proportional to w_in."""
    ones = np.zeros((axis.size, len(targets)))
    for x in inputs.T:
        ones *= axis[:, None]
        ones += x
    errors = axis[:, None] * ones[:, None, :] - targets
    return np.einsum("ijn,ijn->ij", errors, errors) / len(targets)


def surfaces(*, quick: bool = False) -> list[Row]:
    """Measure both surfaces; the moments are ready, as they are for every later question.

    The figures to reach are held against running the network at every point. Running it once a
    row uses half of what moments use, and has lines of its own.
    """
    data = count_ones()
    objective = ours.prepared(*data)
    contenders = [
        Contender("ours", lambda: [ours.surface(objective, axis, axis) for axis in AXES]),
        Contender(
            "the note's loop",
            lambda: [note.surface(*data, axis, axis) for axis in AXES],
            at_most=1 / 6000,
        ),
        Contender(
            "numpy, directly", lambda: [directly(*data, axis) for axis in AXES], at_most=1 / 50
        ),
        Contender(
            "numpy, row by row",
            lambda: [by_rows(*data, axis) for axis in AXES],
            kind="numpy, row by row",
        ),
    ]
    if not quick:
        from benchmarks import peer_jax

        for name, run, at_most in (
            ("JAX, directly", peer_jax.surface, 1 / 15),
            ("JAX, row by row", peer_jax.surface_by_rows, None),
        ):
            contenders.append(
                Contender(
                    name,
                    lambda run=run: [run(*data, axis, axis) for axis in AXES],
                    at_most=at_most,
                    kind=name,
                    compiles=True,
                )
            )
    seconds = alternate(contenders, rtol=1e-6, rounds=25, budget=4.0)
    first = Contender(
        "ours", lambda: [ours.surface(ours.prepared(*data), axis, axis) for axis in AXES]
    )
    whole = alternate([first], rtol=0.0)["ours"]
    notes = f"moments ready; with the pass over the data {1e6 * whole:.3g} µs"
    return rows("the note's two surfaces", contenders, seconds, notes)
