"""A cost surface as pixels, exact at each of them, and its contours as lines."""

import math
from collections.abc import Callable
from typing import cast

import numpy as np
from contourpy import LineType, contour_generator
from matplotlib.path import Path
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.axis import Axis
from service.figures.geometry import Placed
from service.figures.levels import Levels
from service.figures.sheet import Pixels, Sheet, Stroke

Log10Cost = Callable[[Array, Array], Array]
"""log10(cost) at w_in (1, columns) and w_rec (rows, 1), broadcast to (rows, columns).

-inf where the cost is 0, finite beyond float64's range of costs, nan where there is none.
"""

_BLOCK = 1_000_000
_SHADES = 8
_LINE_STRENGTH = 0.4
_CONTOUR_NODES = 260
_CONTOUR = Stroke("#000000", 0.6, alpha=_LINE_STRENGTH)


def evaluate(x: Axis, y: Axis, size: tuple[int, int], log10_cost: Log10Cost) -> Array:
    """Return log10(cost) at the centre of every pixel: (rows, columns), highest w_rec first."""
    columns, rows = size
    w_in, w_rec = x.centres(columns)[None, :], y.centres(rows)[::-1, None]
    height = max(1, _BLOCK // columns)
    if rows <= height:
        return _complete(log10_cost(w_in, w_rec), (rows, columns))
    field = np.empty((rows, columns))
    for top in range(0, rows, height):
        field[top : top + height] = log10_cost(w_in, w_rec[top : top + height])
    return field


def paint(log10_cost: Array, levels: Levels, missing: str, line_width: float) -> Pixels:
    """Colour a field by its bands: (rows, columns, 4) RGBA.

    Where two bands meet they are parted by a thin line.  Its darkness at a pixel follows from the
    pixel's distance to the level, |log10(cost) - level| over the slope, so it is as smooth as a
    drawn line; the colour between lines is the band's own, exactly.
    """
    bands = levels.bands(log10_cost)
    palette = _line_shades(levels.palette(missing))
    index = bands.astype(np.int16) * _SHADES
    near = np.flatnonzero(_near_edges(bands))
    index.reshape(-1)[near] += _darkness(log10_cost, bands, levels.cuts, near, line_width)
    return palette[index].view(np.uint8).reshape(*index.shape, 4)


def add_contours(sheet: Sheet, panel: Placed, levels: Levels, log10_cost: Log10Cost) -> None:
    """Draw a panel's contours as lines."""
    vertices, codes = contours(panel.x, panel.y, levels, log10_cost)
    corner, size = panel.rect[:2], (panel.rect.width, panel.rect.height)
    sheet.path(vertices * size + corner, codes, _CONTOUR, panel.rect)


def contours(
    x: Axis, y: Axis, levels: Levels, log10_cost: Log10Cost
) -> tuple[Array, NDArray[np.uint8]]:
    """Contour lines as one path, vertices (n, 2) in units of the panel, and Matplotlib's codes."""
    units = np.linspace(0.0, 1.0, _CONTOUR_NODES)
    w_in = x.low * (1 - units) + x.high * units
    w_rec = y.low * (1 - units) + y.high * units
    shape = (_CONTOUR_NODES, _CONTOUR_NODES)
    field = _complete(log10_cost(w_in[None, :], w_rec[:, None]), shape)
    cuts = levels.cuts[np.isfinite(levels.cuts)]
    if not cuts.size:
        return np.empty((0, 2)), np.empty(0, np.uint8)
    # an infinity would spoil interpolation beside it: a decade past the last level is as good
    field = np.clip(field, cuts[0] - 1, cuts[-1] + 1)
    generator = contour_generator(
        units, units, np.ma.masked_invalid(field), line_type=LineType.ChunkCombinedCode
    )
    vertices: list[Array] = [np.empty((0, 2))]
    codes: list[NDArray[np.uint8]] = [np.empty(0, np.uint8)]
    for cut in cuts:
        # of an array a chunk there is one chunk, and None where no line is
        points, kinds = cast(
            "tuple[list[Array | None], list[NDArray[np.uint8]]]", generator.lines(cut)
        )
        if points[0] is not None:
            vertices.append(points[0])
            codes.append(kinds[0])
    path = np.concatenate(codes).astype(np.uint8)
    # loops end where they began; as plain lines Matplotlib drops the points that do not show
    path[path == Path.CLOSEPOLY] = Path.LINETO
    return np.concatenate(vertices), path


def _complete(field: Array, shape: tuple[int, int]) -> Array:
    """Broadcast what a callable that ignores one of the weights returned."""
    return field if field.shape == shape else np.broadcast_to(field, shape)


def _near_edges(bands: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels with another band to the left, right, above or below."""
    near = np.zeros(bands.shape, np.bool_)
    beside = bands[:, 1:] != bands[:, :-1]
    near[:, 1:] |= beside
    near[:, :-1] |= beside
    above = bands[1:] != bands[:-1]
    near[1:] |= above
    near[:-1] |= above
    return near


def _darkness(
    field: Array, bands: NDArray[np.uint8], cuts: Array, near: NDArray[np.intp], line_width: float
) -> NDArray[np.int16]:
    """How much of each pixel ``near`` an edge the line covers, 0 to ``_SHADES`` - 1."""
    rows, columns = field.shape
    flat, row, column = field.reshape(-1), near // columns, near % columns
    left, right = np.maximum(column - 1, 0), np.minimum(column + 1, columns - 1)
    above, below = np.maximum(row - 1, 0), np.minimum(row + 1, rows - 1)
    start = row * columns
    limits = np.concatenate([[-math.inf], cuts, [math.inf, math.inf]])
    band, here = bands.reshape(-1)[near], flat[near]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        across = (flat[start + right] - flat[start + left]) / np.maximum(right - left, 1)
        up = (flat[below * columns + column] - flat[above * columns + column]) / np.maximum(
            below - above, 1
        )
        gap = np.minimum(here - limits[band], limits[band + 1] - here)
        distance = gap / np.hypot(across, up)
        cover = np.clip((line_width + 1) / 2 - distance, 0.0, min(line_width, 1.0))
    return np.asarray(np.rint(np.nan_to_num(cover) * (_SHADES - 1)), dtype=np.int16)


def _line_shades(colours: Pixels) -> NDArray[np.uint32]:
    """Each colour, then the same under ever more of a line: (n * _SHADES,) packed RGBA."""
    weight = _LINE_STRENGTH * np.arange(_SHADES)[None, :, None] / (_SHADES - 1)
    lined = np.repeat(colours[:, None, :], _SHADES, axis=1).astype(np.float64)
    lined[..., :3] *= 1 - weight
    return np.ascontiguousarray(np.rint(lined).astype(np.uint8)).view(np.uint32).reshape(-1)
