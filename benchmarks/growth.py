"""How training time grows with the number of sequences and with their length.

``python -m benchmarks.growth`` measures, and writes growth.json and growth.png.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks import machine, ours
from benchmarks.harness import timed, warm_up
from service.engine.data import count_ones

HERE = Path(__file__).parent
N_ITERATIONS = 500
SAMPLES = (100, 1_000, 10_000, 100_000, 1_000_000)  # at T = 10
LENGTHS = (10, 30, 100, 300, 1_000, 2_000)  # at n = 1,000
FEW = 10  # iterations to begin with
BUDGET = 5.0  # seconds: a peer that would take longer is scaled up from those
OVERFLOW = 513  # steps: the start's w_rec is 2, and the cost goes with its power 2 T
COLOURS = {"this service": "#1b6ca8", "PyTorch": "#c8553d", "JAX": "#7a8b2f"}

Runner = Callable[[ours.Array, ours.Array, int], Any]
Growth = dict[str, dict[str, list[float]]]


def runners(n_samples: int, n_steps: int) -> dict[str, Runner]:
    """Return ours and two peers."""
    from benchmarks import peer_jax, peer_torch

    def compiled(inputs: ours.Array, targets: ours.Array, n_iterations: int) -> Any:
        return peer_jax.trainer("JAX, powers", n_samples, n_steps, n_iterations)(inputs, targets)

    return {"this service": ours.iterate, "PyTorch": peer_torch.by_powers, "JAX": compiled}


def seconds_of(run: Runner, data: tuple[ours.Array, ours.Array]) -> float:
    """Return the seconds of 500 iterations, of slow peers scaled up from fewer."""
    run(*data, FEW)  # what compiles has compiled
    few = min(timed(lambda: run(*data, FEW))[1] for _ in range(3))
    scaled = few * N_ITERATIONS / FEW
    if scaled > BUDGET and run is not ours.iterate:
        return scaled
    turns: list[float] = []
    while len(turns) < 3 or (len(turns) < 15 and sum(turns) < BUDGET / 5):
        warm_up(lambda: run(*data, FEW))
        turns.append(timed(lambda: run(*data, N_ITERATIONS))[1])
    return float(np.median(turns))


def measure() -> Growth:
    """Measure along both axes, contenders in turn at every size."""
    found: Growth = {}
    for axis, sizes in (
        ("n_samples", [(n, 10) for n in SAMPLES]),
        ("n_steps", [(1_000, t) for t in LENGTHS]),
    ):
        found[axis] = {"size": [float(size[axis == "n_steps"]) for size in sizes]}
        for size in sizes:
            data = count_ones(*size)
            for name, run in runners(*size).items():
                found[axis].setdefault(name, []).append(seconds_of(run, data))
    return found


def draw(growth: Growth) -> None:
    """Write growth.json and growth.png."""
    (HERE / "growth.json").write_text(json.dumps(growth, indent=1) + "\n")
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _panel(left, growth["n_samples"], "sequences, of length 10")
    _panel(right, growth["n_steps"], "length, of 1,000 sequences")
    right.axvline(OVERFLOW, color="#999999", linestyle=":")
    right.annotate(
        "from here 2$^{2T}$ overflows:\nthe peers compute, but stand still",
        (OVERFLOW, 0.04),
        xycoords=("data", "axes fraction"),
        xytext=(-4, 0),
        textcoords="offset points",
        ha="right",
        color="#555555",
        fontsize=9,
    )
    left.set_ylabel("seconds for 500 iterations")
    left.legend(frameon=False)
    figure.savefig(HERE / "growth.png", dpi=110, metadata={"Software": None})


def _panel(axes: Axes, series: dict[str, list[float]], label: str) -> None:
    for name, colour in COLOURS.items():
        axes.loglog(series["size"], series[name], "o-", color=colour, label=name, markersize=4)
    axes.set_xlabel(label)
    axes.grid(visible=True, which="major", color="#dddddd")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    machine.restart_without_overrides()
    draw(measure())
