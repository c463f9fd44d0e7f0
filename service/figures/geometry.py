"""Rectangles on the page, and the panels in them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from service.engine.types import Array
from service.figures.axis import Axis
from service.figures.style import CSS_DPI, Style


class Rect(NamedTuple):
    """A rectangle in CSS pixels, from the lower left corner of the page."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From bottom to top."""
        return self.top - self.bottom

    def overlaps(self, other: "Rect") -> bool:
        """Whether the two have more than an edge in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def contains(self, other: "Rect") -> bool:
        """Whether ``other`` lies inside."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.bottom <= other.bottom
            and other.top <= self.top
        )


@dataclass(frozen=True)
class Placed:
    """A panel on the page: its rectangle and its two axes."""

    rect: Rect
    x: Axis
    y: Axis

    def place(self, xs: Array, ys: Array) -> tuple[Array, Array]:
        """Place data in CSS pixels; nan where a value is not finite."""
        across, up = self.x.unit(xs), self.y.unit(ys)
        lost = np.isnan(across + up)
        return (
            np.where(lost, np.nan, self.rect.left + across * self.rect.width),
            np.where(lost, np.nan, self.rect.bottom + up * self.rect.height),
        )


def snapped(rect: Rect, style: Style) -> Rect:
    """Move a rectangle's edges to whole pixels of the png, at least one pixel apart."""
    scale = style.dpi / CSS_DPI
    left, bottom, right, top = (round(edge * scale) / scale for edge in rect)
    return Rect(left, bottom, max(right, left + 1 / scale), max(top, bottom + 1 / scale))


def pixel_box(rect: Rect, style: Style) -> tuple[slice, slice]:
    """Rows and columns of the png, from its top left, that a snapped rectangle covers."""
    scale, rows = style.dpi / CSS_DPI, style.pixels[1]
    left, bottom, right, top = (round(edge * scale) for edge in rect)
    return slice(rows - top, rows - bottom), slice(left, right)


def pixel_size(rect: Rect, style: Style) -> tuple[int, int]:
    """Columns and rows of the png that a snapped rectangle covers."""
    rows, columns = pixel_box(rect, style)
    return columns.stop - columns.start, rows.stop - rows.start
