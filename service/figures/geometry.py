"""Rectangles on the canvas, and the panels in them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from service.engine.types import Array
from service.figures.axis import Axis
from service.figures.style import CSS_DPI, Style


class Rect(NamedTuple):
    """A rectangle in CSS pixels; the origin is the lower left corner of the canvas."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """The width in CSS pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """The height in CSS pixels."""
        return self.top - self.bottom

    def overlaps(self, other: "Rect") -> bool:
        """Return whether the two have more than an edge in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def contains(self, other: "Rect") -> bool:
        """Return whether ``other`` lies inside."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.bottom <= other.bottom
            and other.top <= self.top
        )


@dataclass(frozen=True)
class Panel:
    """A rectangle on the canvas with a horizontal and a vertical axis."""

    rect: Rect
    x: Axis
    y: Axis

    def to_canvas(self, xs: Array, ys: Array) -> tuple[Array, Array]:
        """Return the positions of points in CSS pixels, two arrays of one shape.

        Both coordinates are nan where one of the values is not finite.
        """
        across, up = self.x.to_unit(xs), self.y.to_unit(ys)
        missing = np.isnan(across + up)
        return (
            np.where(missing, np.nan, self.rect.left + across * self.rect.width),
            np.where(missing, np.nan, self.rect.bottom + up * self.rect.height),
        )


def snap_to_pixels(rect: Rect, style: Style) -> Rect:
    """Return the rectangle with its edges at whole pixels of the PNG, at least one pixel apart."""
    scale = style.dpi / CSS_DPI
    left, bottom, right, top = (round(edge * scale) / scale for edge in rect)
    return Rect(left, bottom, max(right, left + 1 / scale), max(top, bottom + 1 / scale))


def pixel_size(rect: Rect, style: Style) -> tuple[int, int]:
    """Return how many columns and rows of the PNG a snapped rectangle covers."""
    scale = style.dpi / CSS_DPI
    return round(rect.width * scale), round(rect.height * scale)


def pixel_centers(panel: Panel, style: Style) -> tuple[Array, Array]:
    """Return x (1, columns) and y (rows, 1) at the centers of a panel's pixels, from the top."""
    columns, rows = pixel_size(panel.rect, style)
    return panel.x.centers(columns)[None, :], panel.y.centers(rows)[::-1, None]
