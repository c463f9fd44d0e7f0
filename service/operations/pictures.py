"""Pictures, from the question to the bytes.

The request is embedded in every picture, so that it can be made again.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, cast

import numpy as np
import rfc8785
from matplotlib.figure import Figure

from service.engine.basins import CellOutcome
from service.engine.optimizers import OPTIMIZERS
from service.engine.optimum import Optimum
from service.errors import Invalid
from service.figures.basins import Basins, basin_map_figure
from service.figures.marks import LabelledPath
from service.figures.page import Panel
from service.figures.render import Format, render
from service.figures.render import Picture as Drawing
from service.figures.style import Style
from service.figures.surface import cost_surface_picture
from service.figures.traces import TraceLine, gradient_trace_figure
from service.figures.trajectory import Run, trajectory_picture
from service.operations import limits
from service.operations.identity import resolved
from service.operations.limits import Limits
from service.operations.samples import Samples
from service.operations.traces import traces
from service.schemas.base import Question
from service.schemas.basins import BasinQuestion, BasinResult
from service.schemas.pictures import Picture
from service.schemas.runs import RunQuestion, RunResult
from service.schemas.surfaces import OptimumAnswer, SurfaceQuestion
from service.schemas.traces import TraceQuestion

SURFACE_SIZE = (1000, 400)
TRACE_SIZE = (760, 440)
TRAJECTORY_SIZE = (1000, 440)
BASINS_SIZE = (720, 560)

Pair = tuple[float, float]


def style_of(look: Picture, size: tuple[int, int]) -> Style:
    """Return a figure's style; raises LimitExceeded where the picture has too many pixels."""
    width, height = look.width or size[0], look.height or size[1]
    return Style(width, height, look.dpi, look.theme.value, look.title)


def embedded(resource: str, question: Question, look: Picture) -> dict[str, str]:
    """Return the metadata of a picture: what was asked, so that it can be asked again."""
    request = {"resource": resource, **resolved(question), "look": look.model_dump(mode="json")}
    return {"Request": rfc8785.dumps(request).decode()}


def _bytes(picture: Figure | Drawing, suffix: str, metadata: dict[str, str]) -> bytes:
    return render(
        picture, cast("Format", suffix), metadata=metadata
    )  # the route knows its suffixes


def refuse_resolution(question: SurfaceQuestion) -> None:
    """Refuse a resolution for pictures, which are exact at their own pixels; raises Invalid."""
    for i, window in enumerate(question.windows):
        if "resolution" in window.model_fields_set:
            pointer = f"/windows/{i}/resolution"
            raise Invalid("pictures are exact at every pixel: they take no resolution", pointer)


def check_pixels(activation: str, samples: Samples, style: Style, allowed: Limits) -> None:
    """Refuse pictures whose field would take too long; raises LimitExceeded."""
    n_pixels = style.pixels[0] * style.pixels[1]
    seconds = limits.evaluations(activation, *samples.size, n_pixels)
    allowed.check_work(seconds, "/dpi")


def surfaces_picture(
    question: SurfaceQuestion,
    samples: Samples,
    paths: Sequence[LabelledPath],
    look: Picture,
    suffix: str,
    allowed: Limits,
) -> bytes:
    """Draw the cost surface in every window; with paths, the exact optimum over it too."""
    style = style_of(look, SURFACE_SIZE)
    check_pixels(question.network.activation, samples, style, allowed)
    objective = samples.objective(question.network)
    windows = [(each.w_in, each.w_rec) for each in question.windows]
    picture = cost_surface_picture(
        [Panel((w_in.low, w_in.high), (w_rec.low, w_rec.high)) for w_in, w_rec in windows],
        objective.log10_costs,
        points=[(point.w_in, point.w_rec) for point in question.points],
        paths=paths,
        optimum=_finite(objective.optimum) if paths else None,
        style=style,
    )
    return _bytes(picture, suffix, embedded("cost-surface", question, look))


def traces_picture(question: TraceQuestion, samples: Samples, look: Picture, suffix: str) -> bytes:
    """Draw the gradient at each point on its way back through time."""
    drawn = [
        TraceLine((point.w_in, point.w_rec), trace.log10_magnitude, trace.sign, trace.regime)
        for point, trace in zip(question.points, traces(question, samples), strict=True)
    ]
    figure = gradient_trace_figure(drawn, style=style_of(look, TRACE_SIZE))
    return _bytes(figure, suffix, embedded("gradient-trace", question, look))


def trajectory_of_run(
    question: RunQuestion,
    result: RunResult,
    columns: Mapping[str, np.ndarray[Any, Any]],
    samples: Samples,
    look: Picture,
    suffix: str,
    allowed: Limits,
) -> bytes:
    """Draw the path of a finished run over its cost surface, and its cost by iteration."""
    style = style_of(look, TRAJECTORY_SIZE)
    check_pixels(question.network.activation, samples, style, allowed)
    objective = samples.objective(question.network)
    run = Run(
        optimizer=OPTIMIZERS[question.optimizer.name].title,
        outcome=str(result.outcome),
        iterations=columns["iteration"],
        weights=np.column_stack([columns["w_in"], columns["w_rec"]]),
        log10_costs=columns["log10_cost"],
        target_cost=question.target_cost,
    )
    picture = trajectory_picture(
        run, objective.log10_costs, optimum=_finite(objective.optimum), style=style
    )
    return _bytes(picture, suffix, embedded("training-runs", question, look))


def basins_picture(
    question: BasinQuestion,
    result: BasinResult,
    arrays: Mapping[str, np.ndarray[Any, Any]],
    look: Picture,
    suffix: str,
) -> bytes:
    """Draw how training ended from every start of a finished map."""
    basins = Basins(
        w_in=arrays["w_in"],
        w_rec=arrays["w_rec"],
        iterations=arrays["iterations"],
        reached=arrays["outcome"] == CellOutcome.TARGET_REACHED,
        diverged=arrays["outcome"] == CellOutcome.DIVERGED,
    )
    figure = basin_map_figure(
        basins,
        optimizer=OPTIMIZERS[question.optimizer.name].title,
        optimum=_finite(result.optimum),
        style=style_of(look, BASINS_SIZE),
    )
    return _bytes(figure, suffix, embedded("basin-maps", question, look))


def _finite(best: Optimum | OptimumAnswer | None) -> Pair | None:
    if best is None or best.weights.w_in is None or best.weights.w_rec is None:
        return None
    pair = (best.weights.w_in, best.weights.w_rec)
    return pair if all(map(isfinite, pair)) else None
