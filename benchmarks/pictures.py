"""A picture with new data, beside the tutorial note's own figure code; and one seen before.

``python -m benchmarks.pictures`` prints rows of Markdown. Contenders take turns within one run; a
first turn of each is not counted, and medians are compared.
"""

import http.client
import io
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import count

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from service.engine.data import Dataset, count_ones
from service.engine.network import Network
from service.engine.objective import make_objective
from service.engine.types import Array
from service.rendering.draw import draw, warm_up
from service.rendering.requests import PictureData, SurfacePictureRequest
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.datasets import CountOnesDataset
from service.schemas.pictures import PictureOptions

ROUNDS = 9
WINDOWS = ((-3.0, 3.0), (0.0, 2.0))
POINTS = ((2, 1, "r"), (1, 2, "b"), (1, -2, "g"), (1, 0, "c"), (1, 0.5, "m"), (1, -0.5, "y"))
PATH = "/v1/cost-surface.png"

Timing = tuple[float, float]


def note_figure(surfaces: list[Array]) -> bytes:
    """Draw the note's figure of costs on 100 × 100 weights: a png of 1000 × 400 pixels."""
    figure = Figure(figsize=(10, 4), dpi=100)
    for i, ((low, high), costs) in enumerate(zip(WINDOWS, surfaces, strict=True)):
        axes = figure.add_subplot(1, 2, i + 1)
        grid = np.meshgrid(np.linspace(low, high, 100), np.linspace(low, high, 100))
        levels = np.logspace(-0.2, 8, 30)
        filled = axes.contourf(*grid, costs + 1, levels=levels, cmap="pink", norm=LogNorm())
        if i == 0:
            first = filled
        axes.set_xlabel("$w_{in}$", fontsize=15)
        axes.set_ylabel("$w_{rec}$", fontsize=15)
        for w_in, w_rec, colour in POINTS:
            axes.plot(w_in, w_rec, colour + "o", linewidth=2)
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
    figure.subplots_adjust(right=0.8)
    ticks = np.logspace(0, 8, 9)
    bar = figure.colorbar(first, ticks=ticks, cax=figure.add_axes((0.85, 0.12, 0.03, 0.78)))
    bar.ax.set_ylabel("$\\xi$", fontsize=15, rotation=0, labelpad=20)
    bar.set_ticklabels([f"{tick:.0e}" for tick in ticks])
    figure.suptitle("Cost surface", fontsize=15)
    with io.BytesIO() as buffer:
        figure.savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()


def note_surface(inputs: Array, targets: Array, axis: Array) -> Array:
    """Evaluate the cost as the note does: weight by weight, a numpy operation a time step."""
    grid_in, grid_rec = np.meshgrid(axis, axis)
    costs = np.zeros(grid_in.shape)
    for i in range(len(axis)):
        for j in range(len(axis)):
            states = np.zeros((inputs.shape[0], inputs.shape[1] + 1))
            for k in range(inputs.shape[1]):
                states[:, k + 1] = inputs[:, k] * grid_in[i, j] + states[:, k] * grid_rec[i, j]
            costs[i, j] = ((targets - states[:, -1]) ** 2).sum() / len(targets)
    return costs


def by_the_note(seed: int) -> bytes:
    """Do all of it as the note does: a Python loop over the grid, then its figure."""
    samples = count_ones(seed=seed)
    axes = (np.linspace(*window, 100) for window in WINDOWS)
    return note_figure([note_surface(*samples, axis) for axis in axes])


def note_figure_alone(seed: int) -> Callable[[], bytes]:
    """Return the note's figure with its costs computed beforehand."""
    objective = make_objective(Dataset.from_arrays(*count_ones(seed=seed)), Network())
    axes = [np.linspace(*window, 100) for window in WINDOWS]
    surfaces = [objective.costs(axis[None, :], axis[:, None]) for axis in axes]
    return lambda: note_figure(surfaces)


def ours(seed: int) -> bytes:
    """Draw ours in this process, the cost at every pixel included."""
    question = CostSurfaceRequest.model_validate({})
    return draw(
        SurfacePictureRequest(
            question, PictureData(CountOnesDataset(seed=seed)), [], PictureOptions(), "png", "{}"
        )
    )


def timed(work: Callable[[], object]) -> Timing:
    """Return the wall and the processor's time of one call, in seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def medians(timings: list[Timing]) -> Timing:
    """Return the medians of wall and processor's time; the first turn does not count."""
    wall, cpu = zip(*timings[1:], strict=True)
    return statistics.median(wall), statistics.median(cpu)


def drawing_rows() -> Iterator[str]:
    """Compare drawing in one process."""
    warm_up()
    seeds = count(1000)
    taken: dict[str, list[Timing]] = {"note": [], "figure": [], "ours": []}
    for _ in range(ROUNDS + 1):
        seed = next(seeds)
        taken["note"].append(timed(partial(by_the_note, seed)))
        taken["figure"].append(timed(note_figure_alone(seed)))
        taken["ours"].append(timed(partial(ours, seed)))
    found = {name: medians(each) for name, each in taken.items()}
    names = {
        "note": "the note's code: costs by its loops, then its figure",
        "figure": "the note's figure alone, costs known already",
        "ours": "ours, new data, the cost at every pixel",
    }
    for name, (wall, cpu) in found.items():
        yield row(names[name], wall, cpu, found["ours"])


def row(work: str, wall: float, cpu: float | None, mine: Timing | None = None) -> str:
    """Return a row: milliseconds, and how much longer than ours."""
    processor = "" if cpu is None else f"{1e3 * cpu:.1f}"
    ratio = "" if mine is None else f"{wall / mine[0]:.1f} ×"
    return f"| {work} | {1e3 * wall:.2f} | {processor} | {ratio} |"


def asked(
    connection: http.client.HTTPConnection, path: str, status: int, tag: str | None = None
) -> float:
    """Return the seconds until an answer has been read."""
    headers = {} if tag is None else {"If-None-Match": tag}
    began = time.perf_counter()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == status, answer.status
    return time.perf_counter() - began


@contextmanager
def serving(**settings: object) -> Iterator[int]:
    """Run the service as its command does, with these settings; give its port."""
    environment = {**os.environ, **{f"RNN_{key.upper()}": str(v) for key, v in settings.items()}}
    command = [sys.executable, "-m", "service", "serve", "--port", "0"]
    with (
        tempfile.TemporaryDirectory() as data,
        subprocess.Popen(
            [*command, "--data-dir", data],
            env={**environment, "RNN_LOG_LEVEL": "warning"},
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        found = next(filter(None, (re.search(r":(\d+)/docs", line) for line in process.stdout)))
        try:
            yield int(found[1])
        finally:
            process.terminate()


def without_kernel_override() -> None:
    """Begin anew without OPENBLAS_CORETYPE, which slows a current numpy."""
    if os.environ.pop("OPENBLAS_CORETYPE", None) is not None:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606


def http_rows() -> Iterator[str]:
    """Ask a real server over loopback, one request after the other."""
    with serving() as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        with closing(connection):
            asked(connection, PATH, 200)
            connection.request("GET", PATH)
            answer = connection.getresponse()
            tag = answer.headers["ETag"]
            answer.read()
            seeds = count(5000)
            new, again, unchanged, livez = [], [], [], []
            for _ in range(60):
                new.append(asked(connection, f"{PATH}?seed={next(seeds)}", 200))
                for _ in range(10):
                    again.append(asked(connection, PATH, 200))
                    unchanged.append(asked(connection, PATH, 304, tag))
                    livez.append(asked(connection, "/livez", 200))
    for work, taken in (
        ("over HTTP: ours, new data", new),
        ("over HTTP: the same picture again", again),
        ("over HTTP: the caller has it, 304", unchanged),
        ("over HTTP: `/livez`, for comparison", livez),
    ):
        yield row(work, statistics.median(taken), None)


def main() -> None:
    """Print the rows."""
    without_kernel_override()
    print("| a picture of 1000 × 400 pixels | wall ms | CPU ms | beside ours |")
    print("| --- | --- | --- | --- |")
    for rows in (drawing_rows, http_rows):
        for each in rows():
            print(each, flush=True)


if __name__ == "__main__":
    main()
