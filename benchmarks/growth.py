"""Growth of training time with the number of sequences and with their length.

``python -m benchmarks.growth`` measures and writes growth.json and growth.png.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks import engine, machine
from benchmarks.harness import measure, warm_up
from service.engine.data import count_ones

HERE = Path(__file__).parent
N_ITERATIONS = 500
SAMPLES = (100, 1_000, 10_000, 100_000, 1_000_000)  # at T = 10
LENGTHS = (10, 30, 100, 300, 1_000, 2_000)  # at n = 1,000
FEW = 10  # iterations of the first measurement
BUDGET = 5.0  # seconds: slower peers are extrapolated from the first measurement
OVERFLOW = 513  # steps: w_rec is 2 at the start, and the cost grows as its power 2 T
COLOURS = {"this service": "#1b6ca8", "PyTorch": "#c8553d", "JAX": "#7a8b2f"}

Runner = Callable[[engine.Array, engine.Array, int], Any]
Growth = dict[str, dict[str, list[float]]]


def make_runners(n_samples: int, n_steps: int) -> dict[str, Runner]:
    """Return the service and two peers."""
    from benchmarks import peer_jax, peer_torch

    def run_jax(inputs: engine.Array, targets: engine.Array, n_iterations: int) -> Any:
        return peer_jax.make_trainer("JAX, powers", n_samples, n_steps, n_iterations)(
            inputs, targets
        )

    return {"this service": engine.iterate, "PyTorch": peer_torch.by_powers, "JAX": run_jax}


def measure_training(run: Runner, data: tuple[engine.Array, engine.Array]) -> float:
    """Return the seconds of 500 iterations, extrapolated from fewer for slow peers."""
    run(*data, FEW)  # compiles
    few = min(measure(lambda: run(*data, FEW))[1] for _ in range(3))
    extrapolated = few * N_ITERATIONS / FEW
    if extrapolated > BUDGET and run is not engine.iterate:
        return extrapolated
    turns: list[float] = []
    while len(turns) < 3 or (len(turns) < 15 and sum(turns) < BUDGET / 5):
        warm_up(lambda: run(*data, FEW))
        turns.append(measure(lambda: run(*data, N_ITERATIONS))[1])
    return float(np.median(turns))


def measure_growth() -> Growth:
    """Measure along both axes, with alternating contenders at every size."""
    growth: Growth = {}
    for axis, sizes in (
        ("n_samples", [(n, 10) for n in SAMPLES]),
        ("n_steps", [(1_000, t) for t in LENGTHS]),
    ):
        growth[axis] = {"size": [float(size[axis == "n_steps"]) for size in sizes]}
        for size in sizes:
            data = count_ones(*size)
            for name, run in make_runners(*size).items():
                growth[axis].setdefault(name, []).append(measure_training(run, data))
    return growth


def draw(growth: Growth) -> None:
    """Write growth.json and growth.png."""
    (HERE / "growth.json").write_text(json.dumps(growth, indent=1) + "\n")
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_panel(left, growth["n_samples"], "number of sequences (length 10)")
    _draw_panel(right, growth["n_steps"], "length of 1,000 sequences")
    right.axvline(OVERFLOW, color="#999999", linestyle=":")
    right.annotate(
        "2$^{2T}$ overflows from here on:\nthe peers make no progress",
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


def _draw_panel(axes: Axes, series: dict[str, list[float]], label: str) -> None:
    for name, colour in COLOURS.items():
        axes.loglog(series["size"], series[name], "o-", color=colour, label=name, markersize=4)
    axes.set_xlabel(label)
    axes.grid(visible=True, which="major", color="#dddddd")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    machine.restart_without_overrides()
    draw(measure_growth())
