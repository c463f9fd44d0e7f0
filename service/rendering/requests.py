"""Picture requests: the contents of pictures, as values that are sent to another process.

``service.rendering.draw`` draws them. This module does not import Matplotlib, so that the process
that serves HTTP never loads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Dataset, Precomputed, Step
from service.engine.types import Array
from service.errors import LimitExceeded
from service.figures.style import Style
from service.schemas.pictures import MAX_PIXELS, PictureOptions, Scale

if TYPE_CHECKING:
    from service.engine.fit import Solution
    from service.schemas.basin_maps import BasinMapRequest, BasinMapResult
    from service.schemas.costs import CostSurfacePictureRequest
    from service.schemas.gradients import GradientTraceRequest
    from service.schemas.training_runs import TrainingRunRequest, TrainingRunResult


class PictureData(NamedTuple):
    """The dataset of a picture, with its stored reductions."""

    dataset: Dataset
    precomputed: Precomputed | None = None


class Approximation(NamedTuple):
    """An approximation of the cost of a picture."""

    stride: int = 1  # between computed pixels; the others are interpolated
    n_samples: int | None = None  # number of sequences; None for all


class Drawing(NamedTuple):
    """The bytes of a picture."""

    contents: bytes
    is_coarser: bool = False  # than requested, because of the time limit


class RunPath(NamedTuple):
    """The path of a training run."""

    request: Mapping[str, Any]  # canonical; its label is derived from it
    weights: Array  # (m, 2), w_in and w_rec of each recorded iteration


@dataclass(frozen=True, kw_only=True)
class PictureRequest:
    """The common part of picture requests.

    ``http_request`` is the HTTP request of the picture, as JSON; it becomes metadata of the file.
    ``seconds`` is the limit of CPU time.
    """

    style: Style
    suffix: str
    http_request: str
    seconds: float = inf


@dataclass(frozen=True, kw_only=True)
class _CostRequest(PictureRequest):
    """The common part of pictures of a cost: dataset, and approximations from fine to coarse."""

    data: PictureData
    approximations: Sequence[Approximation] = (Approximation(),)


@dataclass(frozen=True, kw_only=True)
class SurfacePictureRequest(_CostRequest):
    """The cost over the weights, with points, paths and other annotations."""

    surface: "CostSurfacePictureRequest"
    paths: Sequence[RunPath] = ()


@dataclass(frozen=True, kw_only=True)
class TracePictureRequest(PictureRequest):
    """The gradient at each point, propagated back through time."""

    trace: "GradientTraceRequest"
    data: PictureData


@dataclass(frozen=True, kw_only=True)
class TrajectoryPictureRequest(_CostRequest):
    """The path of a finished run on its cost surface, and its cost by iteration.

    ``columns`` are ``iteration``, ``w_in``, ``w_rec`` and ``log10_cost``, each (m,).
    """

    run: "TrainingRunRequest"
    result: "TrainingRunResult"
    columns: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class BasinMapPictureRequest(PictureRequest):
    """The outcome of training from every start of a finished map.

    ``arrays`` are ``w_in`` (columns,), ``w_rec`` (rows,), and ``iterations`` and ``outcome``
    (rows, columns).
    """

    map: "BasinMapRequest"
    result: "BasinMapResult"
    arrays: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class _FitRequest(PictureRequest):
    """The common part of pictures of a fit; ``result`` is that in the JSON of the response."""

    result: Mapping[str, Any]
    step: Step  # the time between two steps
    confidence: float  # of all intervals


@dataclass(frozen=True, kw_only=True)
class FitPictureRequest(_FitRequest):
    """Targets and predictions over time, and residuals.

    The columns are ``sequence``, ``step``, ``target``, ``prediction``, ``low``, ``high`` and
    ``residual``, each (m,).
    """

    columns: Mapping[str, NDArray[Any]]
    n_sequences: int  # fitted sequences; the columns may contain only the first ones
    starts: Sequence[str | float] = ()  # the times of the first steps of all sequences, if known
    scale: Scale = Scale.LINEAR  # of the values


@dataclass(frozen=True, kw_only=True)
class ProfilePictureRequest(_FitRequest):
    """The lowest cost for every w_rec, and the interval.

    The columns are ``profile_w_rec``, ``profile_cost`` and ``profile_criterion``, each (p,).
    """

    columns: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class ResponsePictureRequest(_FitRequest):
    """The responses to one lasting unit of each input.

    The columns are ``input``, its number, ``step``, ``response``, ``low`` and ``high``, each (r,).
    """

    columns: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class ContributionsPictureRequest(_FitRequest):
    """The contributions of the start, the baseline and each input."""

    solution: "Solution"


@dataclass(frozen=True, kw_only=True)
class GroupsPictureRequest(_FitRequest):
    """The levels and the gains of all sequences, which are in the result."""


@dataclass(frozen=True, kw_only=True)
class PlansPictureRequest(_FitRequest):
    """Predictions with plans after the last targets, and the differences from the first one.

    ``plans`` and ``differences`` are lines with their bands, (3, T) each.
    """

    names: Sequence[str]
    plans: Sequence[Array]
    differences: Sequence[Array]
    targets: Array  # (m,), the last ones before the plans
    n_before: int  # steps before the plans
    starts: Sequence[str | float]  # the time of the first of them, if known
    verdict: str  # on the fit


@dataclass(frozen=True, kw_only=True)
class ReportRequest(PictureRequest):
    """The report of a fit, with its pictures by their captions."""

    result: Mapping[str, Any]
    name: str  # of the fit and of the version of its result
    pictures: Mapping[str, PictureRequest]


def figure_style(options: PictureOptions, size: tuple[int, int]) -> Style:
    """Return the style of a figure whose own size is ``size``; raises LimitExceeded."""
    width, height = options.width or size[0], options.height or size[1]
    style = Style(width, height, options.dpi, options.theme.value, options.title)
    columns, rows = style.pixels
    if columns * rows > MAX_PIXELS:
        detail = f"a picture may have at most {MAX_PIXELS} pixels, this one has {columns * rows}"
        raise LimitExceeded(detail, parameter="dpi", limit=MAX_PIXELS, needed=columns * rows)
    return style


def trajectory_weights(columns: Mapping[str, NDArray[Any]]) -> Array:
    """Return the weights (m, 2) of a stored trajectory."""
    return np.column_stack([columns["w_in"], columns["w_rec"]])
