"""Drawings to bytes. This and what it imports is all that a rendering process needs."""

from collections.abc import Sequence
from functools import singledispatch
from math import isfinite
from typing import Any, cast

import numpy as np
from matplotlib.figure import Figure

from service.engine.data import Dataset, count_ones
from service.engine.network import Aggregation, Network, trace_gradient
from service.engine.objective import MomentObjective, Objective, make_objective
from service.engine.optimum import Optimum, best_w_in
from service.engine.training import CellOutcome
from service.engine.types import Array
from service.figures.annotations import LabeledPath
from service.figures.basins import Basins, basin_map_figure
from service.figures.layout import Window
from service.figures.render import Format, render
from service.figures.render import Picture as Drawn
from service.figures.surface import CostSurfacePicture
from service.figures.traces import CAPTION, TraceLine, gradient_trace_figure
from service.figures.trajectory import Run, TrajectoryPicture
from service.rendering.labels import run_labels
from service.rendering.requests import (
    BASINS_SIZE,
    SURFACE_SIZE,
    TRACE_SIZE,
    TRAJECTORY_SIZE,
    BasinMapPictureRequest,
    PictureData,
    PictureRequest,
    RunPath,
    SurfacePictureRequest,
    TracePictureRequest,
    TrajectoryPictureRequest,
    marks_of,
    style_of,
    weights_of,
)
from service.schemas.cost_surface import CostSurfaceRequest, OptimumResponse
from service.schemas.datasets import CountOnesDataset
from service.schemas.gradient_trace import GradientTraceRequest
from service.schemas.pictures import PictureOptions

PROFILE_POINTS = 400  # per window
TUTORIAL_CAPTION = f"{CAPTION}, summed as in the tutorial"

Pair = tuple[float, float]


def draw(drawing: PictureRequest) -> bytes:
    """Return a picture's bytes, the request that made it inside."""
    picture: Figure | Drawn = _picture(drawing)
    suffix = cast("Format", drawing.suffix)  # the route knows its suffixes
    return render(picture, suffix, metadata={"Request": drawing.request})


def warm_up() -> None:
    """Draw what most will ask for first, so that fonts are loaded and axes are kept."""
    look, data = PictureOptions(), PictureData(CountOnesDataset())
    draw(SurfacePictureRequest(CostSurfaceRequest.model_validate({}), data, [], look, "png", "{}"))
    draw(TracePictureRequest(GradientTraceRequest(), data, look, "svg", "{}"))


def _dataset(data: PictureData) -> Dataset:
    if isinstance(data.dataset, Dataset):
        return data.dataset
    drawn = data.dataset
    arrays = count_ones(drawn.n_samples, drawn.n_steps, drawn.seed, drawn.noise)
    return Dataset.from_arrays(*arrays)


def _objective(data: PictureData, network: Network) -> Objective:
    return make_objective(_dataset(data), network, data.precomputed)


@singledispatch
def _picture(drawing: Any) -> Any:
    raise TypeError(type(drawing).__name__)


@_picture.register
def _surface(drawing: SurfacePictureRequest) -> Drawn:
    """Draw the cost surface in every window, its levels shared."""
    question = drawing.question
    marks = marks_of(question)
    objective = _objective(drawing.data, question.network.to_engine())
    windows = tuple(
        Window((each.w_in.low, each.w_in.high), (each.w_rec.low, each.w_rec.high))
        for each in question.windows
    )
    profile = None
    if "valley" in marks and question.network.activation == "identity":
        profile = _profile(objective, question, windows)
    return CostSurfacePicture(
        windows,
        objective.log10_costs,
        points=tuple((point.w_in, point.w_rec) for point in question.points),
        paths=_labeled_paths(drawing.paths),
        optimum=_finite(objective.optimum) if "optimum" in marks else None,
        profile=profile,
        style=style_of(drawing.look, SURFACE_SIZE),
    )


def _labeled_paths(paths: Sequence[RunPath]) -> list[LabeledPath]:
    labels = run_labels([path.request for path in paths])
    return [LabeledPath(label, path.weights) for label, path in zip(labels, paths, strict=True)]


def _profile(
    objective: Objective, question: CostSurfaceRequest, windows: Sequence[Window]
) -> Array:
    """Return the best w_in for each w_rec, (m, 2): one line, smooth in every window."""
    ranges = [np.linspace(*window.w_rec, PROFILE_POINTS) for window in windows]
    w_rec = np.unique(np.concatenate(ranges))
    moments = cast("MomentObjective", objective).moments
    best = best_w_in(moments, question.network.initial_state, w_rec)
    return np.column_stack([best, w_rec])


@_picture.register
def _traces(drawing: TracePictureRequest) -> Figure:
    question = drawing.question
    dataset, network = _dataset(drawing.data), question.network.to_engine()
    inputs, targets = dataset.inputs, dataset.targets
    found = [
        trace_gradient(inputs, targets, point.to_engine(), network, question.aggregation)
        for point in question.points
    ]
    lines = [
        TraceLine((point.w_in, point.w_rec), trace.log10_magnitude, trace.sign, trace.regime)
        for point, trace in zip(question.points, found, strict=True)
    ]
    caption = TUTORIAL_CAPTION if question.aggregation == Aggregation.NOTE else CAPTION
    return gradient_trace_figure(lines, caption=caption, style=style_of(drawing.look, TRACE_SIZE))


@_picture.register
def _trajectory(drawing: TrajectoryPictureRequest) -> Drawn:
    columns = drawing.columns
    objective = _objective(drawing.data, drawing.network.to_engine())
    run = Run(
        optimizer=drawing.optimizer,
        outcome=drawing.outcome,
        iterations=columns["iteration"],
        weights=weights_of(columns),
        log10_costs=columns["log10_cost"],
        target_cost=drawing.target_cost,
    )
    return TrajectoryPicture(
        run,
        objective.log10_costs,
        optimum=_finite(objective.optimum),
        style=style_of(drawing.look, TRAJECTORY_SIZE),
    )


@_picture.register
def _basins(drawing: BasinMapPictureRequest) -> Figure:
    arrays = drawing.arrays
    basins = Basins(
        w_in=arrays["w_in"],
        w_rec=arrays["w_rec"],
        iterations=arrays["iterations"],
        reached=arrays["outcome"] == CellOutcome.TARGET_REACHED,
        diverged=arrays["outcome"] == CellOutcome.DIVERGED,
    )
    return basin_map_figure(
        basins,
        optimizer=drawing.optimizer,
        optimum=_finite(drawing.optimum),
        style=style_of(drawing.look, BASINS_SIZE),
    )


def _finite(best: Optimum | OptimumResponse | None) -> Pair | None:
    if best is None or best.weights.w_in is None or best.weights.w_rec is None:
        return None
    pair = (best.weights.w_in, best.weights.w_rec)
    return pair if all(map(isfinite, pair)) else None
