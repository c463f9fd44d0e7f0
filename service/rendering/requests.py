"""Picture requests: what to draw, as values small enough to send to another process.

``service.rendering.draw`` draws them. This module does not import Matplotlib, so that the process
that serves HTTP never loads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Dataset
from service.engine.objective import Precomputed
from service.engine.training import OPTIMIZERS
from service.engine.types import Array
from service.figures.style import Style
from service.schemas.common import NetworkSchema
from service.schemas.cost_surface import CostSurfaceRequest, OptimumResponse
from service.schemas.datasets import CountOnesDataset
from service.schemas.gradient_trace import GradientTraceRequest
from service.schemas.optimizers import OptimizerSchema
from service.schemas.pictures import PictureOptions

SURFACE_SIZE = (1000, 400)
TRACE_SIZE = (760, 440)
TRAJECTORY_SIZE = (1000, 440)
BASINS_SIZE = (720, 560)


class PictureData(NamedTuple):
    """A dataset, or how to draw it where it is needed, and what is known about it."""

    dataset: Dataset | CountOnesDataset
    precomputed: Precomputed | None = None

    def load(self) -> None:
        """Read a stored dataset now rather than while a rendering process waits for it."""
        if isinstance(self.dataset, Dataset):
            self.dataset.load()


class RunPath(NamedTuple):
    """A kept run's resolved request, and its weights (m, 2)."""

    request: Mapping[str, Any]
    weights: Array


@dataclass(frozen=True)
class SurfacePictureRequest:
    """The cost over the weights, with points, paths and marks over it."""

    question: CostSurfaceRequest
    data: PictureData
    paths: list[RunPath]
    look: PictureOptions
    suffix: str
    request: str


@dataclass(frozen=True)
class TracePictureRequest:
    """The gradient at each point on its way back through time."""

    question: GradientTraceRequest
    data: PictureData
    look: PictureOptions
    suffix: str
    request: str


@dataclass(frozen=True)
class TrajectoryPictureRequest:
    """The path of a finished run over its cost surface, and its cost by iteration."""

    optimizer: str
    network: NetworkSchema
    target_cost: float | None
    outcome: str
    columns: Mapping[str, NDArray[Any]]
    data: PictureData
    look: PictureOptions
    suffix: str
    request: str


@dataclass(frozen=True)
class BasinMapPictureRequest:
    """How training ended from every start of a finished map."""

    optimizer: str
    optimum: OptimumResponse | None
    arrays: Mapping[str, NDArray[Any]]
    look: PictureOptions
    suffix: str
    request: str


PictureRequest = (
    SurfacePictureRequest | TracePictureRequest | TrajectoryPictureRequest | BasinMapPictureRequest
)


def style_of(look: PictureOptions, size: tuple[int, int]) -> Style:
    """Return a figure's style; raises LimitExceeded where the picture has too many pixels."""
    width, height = look.width or size[0], look.height or size[1]
    return Style(width, height, look.dpi, look.theme.value, look.title)


def marks_of(question: CostSurfaceRequest) -> frozenset[str]:
    """Return what to mark: where the question does not say, both marks if runs are drawn."""
    if question.marks is not None:
        return frozenset(question.marks)
    return frozenset({"optimum", "valley"} if question.runs else ())


def title_of(optimizer: OptimizerSchema) -> str:
    """Return what an optimizer is called in a picture."""
    return OPTIMIZERS[optimizer.name].title


def weights_of(columns: Mapping[str, NDArray[Any]]) -> Array:
    """Return a stored trajectory's weights (m, 2)."""
    return np.column_stack([columns["w_in"], columns["w_rec"]])
