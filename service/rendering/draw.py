"""Draw picture requests. A rendering process imports this module, and nothing above it."""

from collections.abc import Sequence
from math import inf, isfinite

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from service.engine.data import Dataset, Step, count_ones
from service.engine.network import Aggregation, trace_gradient
from service.engine.objective import LinearObjective, Objective
from service.engine.optimum import Optimum
from service.engine.training import OPTIMIZERS, Outcome
from service.engine.types import Array
from service.figures.annotations import LabeledPath
from service.figures.basins import Basins, basin_map_figure
from service.figures.fit import FittedSequence, fit_figure
from service.figures.formats import PICTURE_FORMATS
from service.figures.interpolation import interpolate
from service.figures.layout import Window
from service.figures.profile import CAPTION as PROFILE_CAPTION
from service.figures.profile import CostProfile, profile_figure
from service.figures.style import Style
from service.figures.surface import cost_surface_figure
from service.figures.traces import CAPTION, TraceLine, gradient_trace_figure
from service.figures.trajectory import Run, trajectory_figure
from service.rendering.approximation import Approximation, approximate
from service.rendering.labels import fit_headline, name_unit, run_labels
from service.rendering.requests import (
    SURFACE_SIZE,
    TRACE_SIZE,
    BasinMapPictureRequest,
    FitPictureRequest,
    PictureData,
    PictureRequest,
    ProfilePictureRequest,
    RunPath,
    SurfacePictureRequest,
    TracePictureRequest,
    TrajectoryPictureRequest,
    trajectory_weights,
)
from service.schemas.common import NetworkSchema
from service.schemas.cost_surface import CostSurfacePictureRequest
from service.schemas.gradient_trace import GradientTraceRequest
from service.schemas.optimum import OptimumResponse

PROFILE_POINTS = 400  # per window
TUTORIAL_CAPTION = f"{CAPTION}, summed as in the tutorial"


def draw(request: PictureRequest) -> bytes:
    """Return the bytes of a picture, with the HTTP request that makes it as metadata."""
    notes: tuple[str, ...] = ()
    match request:
        case SurfacePictureRequest():
            figure, notes = _surface(request)
        case TracePictureRequest():
            figure = _traces(request)
        case TrajectoryPictureRequest():
            figure, notes = _trajectory(request)
        case BasinMapPictureRequest():
            figure = _basin_map(request)
        case FitPictureRequest():
            figure = _fit(request)
        case ProfilePictureRequest():
            figure = _profile_of_fit(request)
    metadata = {"Request": request.http_request}
    if notes:
        metadata["Approximation"] = "; ".join(notes)
    return PICTURE_FORMATS[request.suffix].write(figure, metadata)


def warm_up() -> None:
    """Draw the most frequent pictures, so that fonts are loaded and caches are filled."""
    surface, trace = CostSurfacePictureRequest.model_validate({}), GradientTraceRequest()
    data = PictureData(Dataset.from_arrays(*count_ones()))
    style = Style(*SURFACE_SIZE)
    draw(
        SurfacePictureRequest(
            surface=surface, data=data, style=style, suffix="png", http_request="{}"
        )
    )
    style = Style(*TRACE_SIZE)
    draw(TracePictureRequest(trace=trace, data=data, style=style, suffix="svg", http_request="{}"))


def _surface(request: SurfacePictureRequest) -> tuple[Figure, tuple[str, ...]]:
    """Return the picture, and the notes on how its cost was computed."""
    surface, annotations = request.surface, request.annotations
    windows = tuple(
        Window((window.w_in.low, window.w_in.high), (window.w_rec.low, window.w_rec.high))
        for window in surface.windows
    )
    objective, approximation = _approximate(request, surface.network, windows)
    optimum, profile = None, None
    if "optimum" in annotations:
        optimum = _finite_weights(objective.optimum)
    if "valley" in annotations and isinstance(objective, LinearObjective):
        profile = _profile(objective, windows)
    notes = approximation.notes(request.data.dataset.n_samples)
    figure = cost_surface_figure(
        windows,
        interpolate(objective.log10_costs, approximation.stride),
        points=[(point.w_in, point.w_rec) for point in surface.points],
        paths=_labeled_paths(request.paths),
        optimum=optimum,
        profile=profile,
        notes=notes,
        style=request.style,
    )
    return figure, notes


def _traces(request: TracePictureRequest) -> Figure:
    trace = request.trace
    dataset, network = request.data.dataset, trace.network.to_network()
    inputs, targets = dataset.inputs, dataset.targets
    lines = []
    for point in trace.points:
        weights = point.to_weights()
        gradient = trace_gradient(inputs, targets, weights, network, trace.aggregation)
        lines.append(
            TraceLine(
                weights,
                gradient.log10_magnitude,
                gradient.sign,
                gradient.growth_per_step,
                gradient.regime,
            )
        )
    caption = TUTORIAL_CAPTION if trace.aggregation == Aggregation.TUTORIAL else CAPTION
    return gradient_trace_figure(lines, caption=caption, style=request.style)


def _trajectory(request: TrajectoryPictureRequest) -> tuple[Figure, tuple[str, ...]]:
    """Return the picture, and the notes on how its cost was computed."""
    columns, training = request.columns, request.run
    weights = trajectory_weights(columns)
    finite = weights[np.isfinite(weights).all(axis=1)]
    around = Window(*zip(finite.min(axis=0), finite.max(axis=0), strict=True))
    objective, approximation = _approximate(request, training.network, [around])
    run = Run(
        optimizer=OPTIMIZERS[training.optimizer.name].title,
        outcome=str(request.result.outcome),
        iterations=columns["iteration"],
        weights=weights,
        log10_costs=columns["log10_cost"],
        target_cost=training.target_cost,
    )
    notes = approximation.notes(request.data.dataset.n_samples)
    figure = trajectory_figure(
        run,
        interpolate(objective.log10_costs, approximation.stride),
        _finite_weights(request.result.optimum),
        notes=notes,
        style=request.style,
    )
    return figure, notes


def _basin_map(request: BasinMapPictureRequest) -> Figure:
    arrays = request.arrays
    basins = Basins(
        w_in=arrays["w_in"],
        w_rec=arrays["w_rec"],
        iterations=arrays["iterations"],
        reached=arrays["outcome"] == Outcome.TARGET_REACHED.code,
        diverged=arrays["outcome"] == Outcome.DIVERGED.code,
    )
    return basin_map_figure(
        basins,
        optimizer=OPTIMIZERS[request.map.optimizer.name].title,
        optimum=_finite_weights(request.result.optimum),
        style=request.style,
    )


def _fit(request: FitPictureRequest) -> Figure:
    step, columns = request.step, request.columns
    first = np.flatnonzero(np.diff(columns["sequence"], prepend=-1))  # rows of the sequences
    stop = [*first[1:], len(columns["sequence"])]
    names = request.result.get("sequence_names")
    sequences = [
        FittedSequence(
            names[int(code)] if names else f"sequence {code:.0f}",
            columns["step"][i:j] * step.length,
            *(columns[name][i:j] for name in ("target", "prediction", "low", "high", "residual")),
        )
        for i, j, code in zip(first, stop, columns["sequence"][first], strict=True)
    ]
    is_counted = step == Step()
    return fit_figure(
        sequences,
        n_sequences=request.n_sequences,
        target=request.result["target"],
        time="step" if is_counted else f"time ({name_unit(step.unit)})",
        headline=fit_headline(request.result, step, request.confidence),
        confidence=request.confidence,
        style=request.style,
    )


MAX_LOG = 600.0  # of a relative cost that is drawn


def _profile_of_fit(request: ProfilePictureRequest) -> Figure:
    result, columns = request.result, request.columns
    is_colored, n_free = result["rho"] is not None, result["degrees_of_freedom"]

    def height(costs: ArrayLike) -> Array:
        """Return what is drawn: the cost, or the relative cost of the criterion."""
        values = np.asarray(costs, float)
        return np.exp(np.minimum(values / (n_free + 1), MAX_LOG)) if is_colored else values

    column, level = ("criterion" if is_colored else "cost"), result["level"]
    minima = [(minimum["w_rec"], float(height(minimum[column]))) for minimum in result["minima"]]
    has_other = not is_colored and result["trust"]["cautious"] is not None
    profile = CostProfile(
        columns["profile_w_rec"],
        height(columns[f"profile_{column}"]),
        inf if level is None else float(height(level)),
        [(piece["low"], piece["high"]) for piece in result["w_rec"]["intervals"]],
        minima,
        request.confidence,
        [(span["low"], span["high"]) for span in result["trust"]["cautious"]] if has_other else (),
        "lowest cost, relative" if is_colored else PROFILE_CAPTION,
    )
    headline = fit_headline(result, request.step, request.confidence)
    return profile_figure(profile, headline=headline, style=request.style)


def _approximate(
    request: SurfacePictureRequest | TrajectoryPictureRequest,
    network: NetworkSchema,
    windows: Sequence[Window],
) -> tuple[Objective, Approximation]:
    width, height = request.style.pixels
    return approximate(request.data, network.to_network(), windows, width * height, request.seconds)


def _labeled_paths(paths: Sequence[RunPath]) -> list[LabeledPath]:
    labels = run_labels([path.request for path in paths])
    return [LabeledPath(label, path.weights) for label, path in zip(labels, paths, strict=True)]


def _profile(objective: LinearObjective, windows: Sequence[Window]) -> Array:
    """Return the best w_in for each w_rec, (m, 2): one line, smooth in every window."""
    ranges = [np.linspace(*window.w_rec, PROFILE_POINTS) for window in windows]
    w_rec = np.unique(np.concatenate(ranges))
    return np.column_stack([objective.best_w_in(w_rec), w_rec])


def _finite_weights(optimum: Optimum | OptimumResponse | None) -> tuple[float, float] | None:
    """Return w_in and w_rec, or None where they are unknown or not finite."""
    if optimum is None or optimum.weights.w_in is None or optimum.weights.w_rec is None:
        return None
    weights = (optimum.weights.w_in, optimum.weights.w_rec)
    return weights if all(map(isfinite, weights)) else None
