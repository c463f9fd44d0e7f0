"""Drawing of picture requests. A rendering process imports this module, and none above it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf, isfinite
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from service.engine.data import Dataset, count_ones
from service.engine.fit import decompose
from service.engine.network import Aggregation, trace_gradient
from service.engine.objective import LinearObjective, Objective
from service.engine.optimum import Optimum
from service.engine.training import OPTIMIZERS
from service.engine.types import Array
from service.figures.basins import basin_map_figure
from service.figures.contributions import MAX_PANELS, Decomposition, contributions_figure
from service.figures.fit import FittedSequence, fit_figure
from service.figures.formats import PICTURE_FORMATS
from service.figures.groups import GroupEstimates, groups_figure
from service.figures.heatmap import Log10Cost, Window
from service.figures.plans import PlannedLine, plans_figure
from service.figures.profile import CAPTION as PROFILE_CAPTION
from service.figures.profile import CostProfile, profile_figure
from service.figures.responses import StepResponse, response_figure
from service.figures.style import Style
from service.figures.surface import cost_surface_figure
from service.figures.traces import CAPTION, gradient_trace_figure
from service.figures.trajectory import trajectory_figure
from service.rendering.approximation import Drawn, draw_cost
from service.rendering.labels import (
    find_marks,
    name_sequences,
    name_times,
    place_in_time,
    run_labels,
)
from service.rendering.report import write_report
from service.rendering.requests import (
    BasinMapPictureRequest,
    ContributionsPictureRequest,
    Drawing,
    FitPictureRequest,
    GroupsPictureRequest,
    PictureData,
    PictureRequest,
    PlansPictureRequest,
    ProfilePictureRequest,
    ReportRequest,
    ResponsePictureRequest,
    SurfacePictureRequest,
    TracePictureRequest,
    TrajectoryPictureRequest,
)
from service.rendering.rows import find_first, list_groups, select_rows
from service.schemas.costs import CostSurfacePictureRequest, OptimumResponse
from service.schemas.pictures import Scale

PROFILE_POINTS = 400  # per window
TUTORIAL_CAPTION = f"{CAPTION}, summed as in the tutorial"
MAX_LOG = 600.0  # the largest relative cost that is drawn


@np.errstate(over="ignore", invalid="ignore")  # of ticks near the end of the float64 range
def draw(request: PictureRequest) -> Drawing:
    """Return a picture, with its HTTP request as metadata, or a report with pictures."""
    if isinstance(request, ReportRequest):
        drawings = {caption: draw(each) for caption, each in request.pictures.items()}
        pictures = {caption: each.contents for caption, each in drawings.items()}
        return Drawing(write_report(request, pictures))
    drawn = _FIGURES[type(request)](request)
    metadata = {"Request": request.http_request}
    if drawn.notes:
        metadata["Approximation"] = drawn.notes
    contents = PICTURE_FORMATS[request.suffix].write(drawn.figure, metadata)
    return Drawing(contents, drawn.is_coarser)


def warm_up() -> None:
    """Draw the most frequent pictures, so that fonts are loaded and caches are filled."""
    data = PictureData(Dataset.from_arrays(*count_ones()))
    surface = CostSurfacePictureRequest.model_validate({})
    style = Style()
    request = SurfacePictureRequest(
        surface=surface, data=data, style=style, suffix="png", http_request="{}"
    )
    for suffix in ("png", "svg"):
        draw(replace(request, suffix=suffix))


def _surface(request: SurfacePictureRequest) -> Drawn:
    surface, annotations = request.surface, request.surface.annotations
    windows = [
        Window((window.w_in.low, window.w_in.high), (window.w_rec.low, window.w_rec.high))
        for window in surface.windows
    ]
    labels = run_labels([path.request for path in request.paths])

    def make_figure(objective: Objective, log10_cost: Log10Cost, notes: str) -> Figure:
        optimum, profile = None, None
        if "optimum" in annotations:
            optimum = _finite_weights(objective.optimum)
        if "valley" in annotations and isinstance(objective, LinearObjective):
            profile = _profile(objective, windows)
        return cost_surface_figure(
            windows,
            log10_cost,
            points=[(point.w_in, point.w_rec) for point in surface.points],
            paths=[(name, path.weights) for name, path in zip(labels, request.paths, strict=True)],
            optimum=optimum,
            profile=profile,
            notes=notes,
            style=request.style,
        )

    return draw_cost(request, surface.network.to_network(), make_figure)


def _traces(request: TracePictureRequest) -> Drawn:
    trace, dataset = request.trace, request.data.dataset
    data = dataset.inputs, dataset.targets
    network = trace.network.to_network()
    weights = [point.to_weights() for point in trace.points]
    traces = [(each, trace_gradient(*data, each, network, trace.aggregation)) for each in weights]
    caption = TUTORIAL_CAPTION if trace.aggregation == Aggregation.TUTORIAL else CAPTION
    return Drawn(gradient_trace_figure(traces, caption=caption, style=request.style))


def _trajectory(request: TrajectoryPictureRequest) -> Drawn:
    run = request.run

    def make_figure(_: Objective, log10_cost: Log10Cost, notes: str) -> Figure:
        return trajectory_figure(
            request.columns,
            log10_cost,
            _finite_weights(request.result.optimum),
            optimizer=OPTIMIZERS[run.optimizer.name].title,
            outcome=str(request.result.outcome),
            target_cost=run.target_cost,
            notes=notes,
            style=request.style,
        )

    return draw_cost(request, run.network.to_network(), make_figure)


def _basin_map(request: BasinMapPictureRequest) -> Drawn:
    optimizer = OPTIMIZERS[request.map.optimizer.name].title
    optimum = _finite_weights(request.result.optimum)
    figure = basin_map_figure(
        request.arrays, optimizer=optimizer, optimum=optimum, style=request.style
    )
    return Drawn(figure)


def _fit(request: FitPictureRequest) -> Drawn:
    columns, result = request.columns, request.result
    names = ("target", "prediction", "low", "high", "residual")
    first = find_first(columns["sequence"])
    times, axis = place_in_time(request.starts, request.step, columns["sequence"], columns["step"])
    parts = (np.split(each, first[1:]) for each in (times, *(columns[name] for name in names)))
    labels = name_sequences(result, columns["sequence"][first])
    figure = fit_figure(
        list(map(FittedSequence, labels, *parts)),
        n_sequences=request.n_sequences,
        target=result["target"],
        time=axis,
        headline=_headline(result),
        confidence=request.confidence,
        is_log=request.scale == Scale.LOG,
        style=request.style,
    )
    return Drawn(figure)


def _responses(request: ResponsePictureRequest) -> Drawn:
    table, result, step = request.columns, request.result, request.step
    first = find_first(table["input"])
    times = table["step"] * step.length
    bands = (table[name] for name in ("response", "low", "high"))
    columns = (np.split(each, first[1:]) for each in (times, *bands))
    delay = result["delay"]["value"] * step.length
    responses = []
    for each, time, response, low, high in zip(result["inputs"], *columns, strict=True):
        gain = each["steady_state_gain"]["value"]
        marks = find_marks(each.get("response") or {}, delay)
        responses.append(StepResponse(each["name"], time, response, low, high, gain, marks))
    figure = response_figure(
        responses,
        target=result["target"],
        time=name_times(step),
        headline=_headline(result),
        confidence=request.confidence,
        style=request.style,
    )
    return Drawn(figure)


def _contributions(request: ContributionsPictureRequest) -> Drawn:
    parts, problem = decompose(request.solution), request.solution.problem
    effects = np.vstack([parts.inputs, parts.start])
    targets = problem.targets[parts.sequence, parts.step - 1 - problem.skip]
    drawn = [parts.baseline + effects.sum(axis=0), targets]
    rows = select_rows(parts.sequence, drawn, MAX_PANELS)
    sequences = parts.sequence[rows]
    first = find_first(sequences)
    starts = problem.record.start_times
    times, axis = place_in_time(starts, request.step, sequences, parts.step[rows])
    columns = (times, targets[rows], parts.baseline[rows])
    figure = contributions_figure(
        list(
            map(
                Decomposition,
                name_sequences(request.result, sequences[first]),
                *(np.split(each, first[1:]) for each in columns),
                np.split(effects[:, rows], first[1:], axis=1),
            )
        ),
        [*problem.record.input_names, "start"],
        n_sequences=len(find_first(parts.sequence)),
        target=request.result["target"],
        time=axis,
        headline=_headline(request.result),
        style=request.style,
    )
    return Drawn(figure)


def _groups(request: GroupsPictureRequest) -> Drawn:
    result, table = request.result, list_groups(request.result)
    estimates = []
    for name in dict.fromkeys(table["input"].tolist()):
        rows = table["input"] == name
        label = f"gain of {name}" if name else f"level of {result['target']}"
        names = [each or "all" for each in table["sequence"][rows].tolist()]
        numbers = (table[key][rows] for key in ("value", "low", "high"))
        estimates.append(GroupEstimates(label, names, *numbers))
    figure = groups_figure(
        estimates,
        target=result["target"],
        headline=_headline(result),
        confidence=request.confidence,
        style=request.style,
    )
    return Drawn(figure)


def _plans(request: PlansPictureRequest) -> Drawn:
    n_targets, n_steps = len(request.targets), request.plans[0].shape[1]
    steps = request.n_before + np.arange(1 - n_targets, n_steps + 1)
    times, axis = place_in_time(request.starts, request.step, np.zeros_like(steps), steps)
    figure = plans_figure(
        [PlannedLine(*line) for line in request.plans],
        [PlannedLine(*line) for line in request.differences],
        names=request.names,
        times=times[n_targets:],
        past=(times[:n_targets], request.targets),
        target=request.result["target"],
        axis=axis,
        headline=request.verdict,
        confidence=request.confidence,
        style=request.style,
    )
    return Drawn(figure)


def _profile_of_fit(request: ProfilePictureRequest) -> Drawn:
    result, columns = request.result, request.columns
    n_contrasts = count_contrasts(result)
    has_criterion = any(minimum["criterion"] is not None for minimum in result["minima"])

    def height(costs: ArrayLike) -> Array:
        """Return the values to draw: the cost, or the relative cost of the criterion."""
        values = np.asarray(costs, float)
        return np.exp(np.minimum(values / n_contrasts, MAX_LOG)) if has_criterion else values

    w_rec = result["w_rec"] or result["states"][0]["w_rec"]  # of the slowest state
    column, level = ("criterion" if has_criterion else "cost"), result["level"]
    has_cautious = result["rho"] is None and result["trust"] is not None
    cautious = result["trust"]["cautious"] if has_cautious else None
    profile = CostProfile(
        columns["profile_w_rec"],
        height(columns[f"profile_{column}"]),
        inf if level is None else float(height(level)),
        [(piece["low"], piece["high"]) for piece in w_rec["intervals"]],
        [(minimum["w_rec"], float(height(minimum[column]))) for minimum in result["minima"]],
        request.confidence,
        [(span["low"], span["high"]) for span in cautious or ()],
        "lowest cost, relative" if has_criterion else PROFILE_CAPTION,
    )
    return Drawn(profile_figure(profile, headline=_headline(result), style=request.style))


def count_contrasts(result: Mapping[str, Any]) -> int:
    """Return the degrees of freedom of a fit with the poles given, as its criterion counts them."""
    is_searched = any(state["w_rec"]["intervals"] for state in result["states"])
    n_poles = len(result["states"]) if is_searched else 0
    return int(max(result["degrees_of_freedom"] + n_poles, 1))


def _headline(result: Mapping[str, Any]) -> str:
    """Return the headline of a fit and its interval; fits of older versions have none."""
    summary = result.get("summary")
    return f"{summary['headline']}. {summary['sentences'][0]}" if summary else ""


_FIGURES: dict[type[PictureRequest], Callable[[Any], Drawn]] = {
    SurfacePictureRequest: _surface,
    TracePictureRequest: _traces,
    TrajectoryPictureRequest: _trajectory,
    BasinMapPictureRequest: _basin_map,
    FitPictureRequest: _fit,
    ProfilePictureRequest: _profile_of_fit,
    ResponsePictureRequest: _responses,
    ContributionsPictureRequest: _contributions,
    GroupsPictureRequest: _groups,
    PlansPictureRequest: _plans,
}


def _profile(objective: LinearObjective, windows: Sequence[Window]) -> Array:
    """Return the best w_in for each w_rec, (m, 2): one line, smooth in every window."""
    ranges = [np.linspace(*window.w_rec, PROFILE_POINTS) for window in windows]
    w_rec = np.unique(np.concatenate(ranges))
    return np.column_stack([objective.best_w_in(w_rec), w_rec])


def _finite_weights(optimum: Optimum | OptimumResponse | None) -> tuple[float, float] | None:
    """Return w_in and w_rec, or None if they are unknown or not finite."""
    if optimum is None or optimum.weights.w_in is None or optimum.weights.w_rec is None:
        return None
    weights = (optimum.weights.w_in, optimum.weights.w_rec)
    return weights if all(map(isfinite, weights)) else None
