"""Logarithmic levels: which costs share a colour."""

import math
from dataclasses import dataclass
from functools import lru_cache

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.axis import log_labels
from service.figures.style import FIELD_MAP, rgba

NOTE_EDGES = tuple(np.linspace(-0.2, 8, 30).tolist())
"""The note's levels: 29 bands of cost + 1, from 10^-0.2 to 1e8."""
_NOTE_STEP = 8.2 / 29
_CONTINUED = 14.0
_WIDE_BANDS = 36
_FINE_BANDS = 32
_FINE_DECADES = 10.0


@dataclass(frozen=True)
class Levels:
    """Edges (n + 1,) of n bands, rising, on the scale log10(cost + shift), shift 1 or 0.

    The lowest band takes every smaller cost, the highest every larger one.
    """

    edges: tuple[float, ...]
    shift: int

    @property
    def n_bands(self) -> int:
        """How many bands there are."""
        return len(self.edges) - 1

    @property
    def caption(self) -> str:
        """What the colours stand for."""
        return "cost + 1" if self.shift else "cost"

    @property
    def cuts(self) -> Array:
        """The n - 1 inner edges as log10(cost), -inf where an edge lies below every cost."""
        inner = np.array(self.edges[1:-1])
        if not self.shift:
            return inner
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            # log10(10**e - 1) without overflow or cancellation
            return np.where(inner > 0, inner + np.log10(-np.expm1(-inner * math.log(10))), -np.inf)

    def bands(self, log10_cost: Array) -> NDArray[np.uint8]:
        """Band of each cost, 0 to n - 1, and n where the cost is nan."""
        bands = np.searchsorted(self.cuts, log10_cost, side="right").astype(np.uint8)
        lost = np.isnan(log10_cost)
        return np.where(lost, np.uint8(self.n_bands), bands) if lost.any() else bands

    def palette(self, missing: str) -> NDArray[np.uint8]:
        """RGBA (n + 1, 4) of the bands, then of nan."""
        return _palette(self.n_bands, missing)

    def ticks(self, max_ticks: int) -> tuple[list[float], list[str]]:
        """Return places on a bar of equally high bands (0 to 1), and labels, of round numbers."""
        low, high = self.edges[0], self.edges[-1]
        decades = list(range(math.ceil(low), math.floor(high) + 1))
        if len(decades) < 3:
            stride = max(1, -(-self.n_bands // max_ticks))
            values = list(self.edges[::stride])
        elif self._even():
            stride = max(1, -(-len(decades) // max_ticks))
            values = [float(d) for d in decades if d % stride == 0]
        else:
            values = _spread([0, 1, *_one_two_five(high)], self.edges, max_ticks)
        places = np.interp(values, self.edges, np.linspace(0, 1, len(self.edges)))
        return places.tolist(), list(log_labels(values))

    def _even(self) -> bool:
        steps = np.diff(self.edges)
        return bool(np.ptp(steps) <= 1e-6 * steps[0])


@lru_cache(maxsize=256)
def _palette(n_bands: int, missing: str) -> NDArray[np.uint8]:
    shades = mpl.colormaps[FIELD_MAP](np.linspace(0.0, 1.0, n_bands), bytes=True)
    palette = np.vstack([shades, rgba(missing)[None]])
    palette.flags.writeable = False
    return palette


def choose_levels(fields: list[Array]) -> Levels:
    """Return levels that suit the log10(cost) of some panels, few of them for many pictures.

    The note's levels serve up to 1e8 and are continued in the same steps up to 1e14.  Beyond,
    bands grow with the logarithm, so that a valley shows beside costs of 1e900.  Where the note's
    levels would show fewer than six bands (a close look at a valley) even steps of log10(cost)
    are fitted to the data.
    """
    finite = [_finite(field) for field in fields]
    ranges = [(float(f.min()), float(f.max())) for f in finite if f.size] or [(0.0, 0.0)]
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if high > _CONTINUED:
        return _wide(high)
    if np.log10(10**high + 1) - np.log10(10**low + 1) < 6 * _NOTE_STEP:
        return _fine(np.concatenate([f.ravel() for f in finite]), low, high)
    top = max(29, math.ceil((2 * math.ceil(high / 2) + 0.2) / _NOTE_STEP - 1e-9))
    if high <= 8:
        top = 29
    return Levels(tuple((-0.2 + _NOTE_STEP * k) for k in range(top + 1)), 1)


def _finite(field: Array) -> Array:
    """Drop what is not finite; the usual field, wholly finite, is not copied."""
    whole = field.size and np.isfinite(field.min()) and np.isfinite(field.max())
    return field if whole else field[np.isfinite(field)]


def _wide(high: float) -> Levels:
    top = next(float(m) for m in _one_two_five(10 * high) if m >= high)
    edges = np.sinh(np.linspace(0, math.asinh(top), _WIDE_BANDS + 1))
    edges[-1] = top
    return Levels(tuple(edges.tolist()), 1)


def _fine(values: Array, low: float, high: float) -> Levels:
    low = max(low, high - _FINE_DECADES, float(np.quantile(values, 0.001)) if values.size else low)
    raw = max((high - low) / _FINE_BANDS, 1e-4)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Levels(tuple(k * step for k in range(first, max(last, first + 2) + 1)), 0)


def _one_two_five(limit: float) -> list[int]:
    return [m * 10**k for k in range(12) for m in (1, 2, 5) if 1 < m * 10**k <= limit]


def _spread(values: list[int], edges: tuple[float, ...], max_ticks: int) -> list[float]:
    """Thin out values until those left are at least a ``max_ticks``-th of the bar apart."""
    kept: list[float] = []
    last = -1.0
    for value in values:
        at = float(np.interp(value, edges, np.linspace(0, 1, len(edges))))
        if at - last >= 1 / max_ticks:
            kept.append(float(value))
            last = at
    return kept
