"""A picture of new data, compared with the tutorial's figure code, and a cached picture.

``python -m benchmarks.pictures`` prints a Markdown table. Contenders alternate within one run. The
first turn of each is discarded, and medians are compared.
"""

import http.client
import io
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import count

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from benchmarks import tutorial
from benchmarks.machine import restart_without_overrides
from benchmarks.service import serve
from service.engine.data import Dataset, count_ones
from service.engine.network import Network
from service.engine.objective import make_objective
from service.engine.types import Array
from service.figures.style import Style
from service.rendering.draw import draw, warm_up
from service.rendering.requests import PictureData, SurfacePictureRequest
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.datasets import CountOnesDataset

ROUNDS = 9
WINDOWS = ((-3.0, 3.0), (0.0, 2.0))
POINTS = ((2, 1, "r"), (1, 2, "b"), (1, -2, "g"), (1, 0, "c"), (1, 0.5, "m"), (1, -0.5, "y"))
PATH = "/v1/cost-surface.png"

Timing = tuple[float, float]


def draw_tutorial_figure(surfaces: list[Array]) -> bytes:
    """Draw the tutorial's figure of costs on 100 × 100 weights: a PNG of 1000 × 400 pixels."""
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
        for w_in, w_rec, color in POINTS:
            axes.plot(w_in, w_rec, color + "o", linewidth=2)
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


def run_tutorial(seed: int) -> bytes:
    """Compute the costs with the tutorial's loop, then draw its figure."""
    data = count_ones(seed=seed)
    axes = (np.linspace(*window, 100) for window in WINDOWS)
    return draw_tutorial_figure([tutorial.surface(*data, axis, axis) for axis in axes])


def prepare_tutorial_figure(seed: int) -> Callable[[], bytes]:
    """Return a function that draws the tutorial's figure from known costs."""
    objective = make_objective(Dataset.from_arrays(*count_ones(seed=seed)), Network())
    axes = [np.linspace(*window, 100) for window in WINDOWS]
    surfaces = [objective.costs(axis[None, :], axis[:, None]) for axis in axes]
    return lambda: draw_tutorial_figure(surfaces)


def run_service(seed: int) -> bytes:
    """Compute the cost at every pixel and draw the service's picture in this process."""
    surface = CostSurfaceRequest.model_validate({})
    data = PictureData(CountOnesDataset(seed=seed).resolve().dataset)
    return draw(
        SurfacePictureRequest(
            surface=surface, data=data, style=Style(), suffix="png", http_request="{}"
        )
    )


def measure(run: Callable[[], object]) -> Timing:
    """Return the wall time and the CPU time of one call, in seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


def medians(timings: list[Timing]) -> Timing:
    """Return the medians of wall time and CPU time without the first turn."""
    wall, cpu = zip(*timings[1:], strict=True)
    return statistics.median(wall), statistics.median(cpu)


def measure_drawing() -> Iterator[str]:
    """Compare drawing in one process."""
    warm_up()
    seeds = count(1000)
    tutorial_timings: list[Timing] = []
    figure_timings: list[Timing] = []
    service_timings: list[Timing] = []
    for _ in range(ROUNDS + 1):
        seed = next(seeds)
        tutorial_timings.append(measure(partial(run_tutorial, seed)))
        figure_timings.append(measure(prepare_tutorial_figure(seed)))
        service_timings.append(measure(partial(run_service, seed)))
    service = medians(service_timings)
    for name, timings in (
        ("the tutorial's code: costs by its loops, then its figure", tutorial_timings),
        ("the tutorial's figure alone, costs known", figure_timings),
        ("this service, new data, the cost at every pixel", service_timings),
    ):
        yield format_row(name, *medians(timings), service)


def format_row(name: str, wall: float, cpu: float | None, service: Timing | None = None) -> str:
    """Return a row: milliseconds, and the ratio to the service's time."""
    processor = "" if cpu is None else f"{1e3 * cpu:.1f}"
    ratio = "" if service is None else f"{wall / service[0]:.1f} ×"
    return f"| {name} | {1e3 * wall:.2f} | {processor} | {ratio} |"


def get(
    connection: http.client.HTTPConnection, path: str, status: int, tag: str | None = None
) -> float:
    """Return the seconds until a response has been read."""
    headers = {} if tag is None else {"If-None-Match": tag}
    start = time.perf_counter()
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.read()
    assert response.status == status, response.status
    return time.perf_counter() - start


def measure_http() -> Iterator[str]:
    """Measure a real server over loopback, one request at a time."""
    with serve() as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        with closing(connection):
            get(connection, PATH, 200)
            connection.request("GET", PATH)
            response = connection.getresponse()
            tag = response.headers["ETag"]
            response.read()
            seeds = count(5000)
            new, cached, unchanged, livez = [], [], [], []
            for _ in range(60):
                new.append(get(connection, f"{PATH}?seed={next(seeds)}", 200))
                for _ in range(10):
                    cached.append(get(connection, PATH, 200))
                    unchanged.append(get(connection, PATH, 304, tag))
                    livez.append(get(connection, "/livez", 200))
    for name, timings in (
        ("over HTTP: this service, new data", new),
        ("over HTTP: the same picture from the cache", cached),
        ("over HTTP: the client has the picture, 304", unchanged),
        ("over HTTP: `/livez`, for comparison", livez),
    ):
        yield format_row(name, statistics.median(timings), None)


def main() -> None:
    """Print the table."""
    restart_without_overrides()
    print("| a picture of 1000 × 400 pixels | wall ms | CPU ms | ratio |")
    print("| --- | --- | --- | --- |")
    for measure_rows in (measure_drawing, measure_http):
        for row in measure_rows():
            print(row, flush=True)


if __name__ == "__main__":
    main()
