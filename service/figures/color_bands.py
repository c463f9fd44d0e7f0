"""Color bands: ranges of costs with the same color, on a logarithmic scale."""

import math
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Colormap
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.axis import Axis, log_labels
from service.figures.style import COLOR_MAP

_TUTORIAL_STEP = 8.2 / 29  # of the tutorial's 29 bands of cost + 1, from 10^-0.2 to 1e8
_TUTORIAL_BANDS = 29
_TUTORIAL_TOP = 8.0
_EVEN_TOP = 14.0  # the tutorial's steps are continued to this log10(cost)
_WIDE_BANDS = 36
_MIN_BANDS = 6  # with fewer of the tutorial's bands in the window, finer ones are fitted
_FINE_BANDS = 32
_FINE_DECADES = 10.0
_MIN_FINE_RANGE = 0.003


@dataclass(frozen=True)
class ColorBands:
    """Bands of costs with the same color.

    The lowest band includes every smaller cost, the highest every larger one.
    """

    edges: tuple[float, ...]  # the n + 1 edges of n bands, ascending, of log10(cost + shift)
    shift: int  # 1 or 0

    @property
    def n_bands(self) -> int:
        """The number of bands."""
        return len(self.edges) - 1

    @property
    def caption(self) -> str:
        """The quantity represented by the colors."""
        return "cost + 1" if self.shift else "cost"

    @property
    def thresholds(self) -> Array:
        """The inner edges (n - 1,) as log10(cost); -inf if an edge is below every cost."""
        inner = np.array(self.edges[1:-1])
        if not self.shift:
            return inner
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            # log10(10**e - 1) without overflow or cancellation
            return np.where(inner > 0, inner + np.log10(-np.expm1(-inner * math.log(10))), -np.inf)

    def indices(self, log10_costs: Array) -> NDArray[np.intp]:
        """Return the band of each cost, 0 to n - 1; that of nan is any."""
        return np.searchsorted(self.thresholds, log10_costs, side="right")

    def colors(self, log10_costs: Array, missing: str) -> NDArray[np.uint8]:
        """Return RGBA (*shape, 4): the color of the band of each cost, or ``missing`` for nan."""
        indices = np.ma.masked_array(self.indices(log10_costs), np.isnan(log10_costs))
        return np.asarray(self._map.with_extremes(bad=missing)(indices, bytes=True))

    @property
    def palette(self) -> NDArray[np.uint8]:
        """The colors of the bands, RGBA (n, 4)."""
        return np.asarray(self._map(np.arange(self.n_bands), bytes=True))

    @property
    def _map(self) -> Colormap:
        return mpl.colormaps[COLOR_MAP].resampled(self.n_bands)

    def axis(self, max_ticks: int) -> Axis:
        """Return the axis of a bar of equally high bands, with about ``max_ticks`` round ticks."""
        low, high = self.edges[0], self.edges[-1]
        values = [float(decade) for decade in range(math.ceil(low), math.floor(high) + 1)]
        if len(values) < 3:
            values = list(self.edges)
        elif high > _EVEN_TOP:
            values = [0.0, 1.0, *_one_two_five(high)]
        positions = np.interp(values, self.edges, np.linspace(0, 1, len(self.edges))).tolist()
        shown = [0]
        for i, position in enumerate(positions):
            if position - positions[shown[-1]] >= 1 / max_ticks:
                shown.append(i)
        labels = log_labels([values[i] for i in shown])
        return Axis(0, 1, [positions[i] for i in shown], labels, self.caption)


def choose_color_bands(log10_costs: list[Array]) -> ColorBands:
    """Return bands for the costs of one or more panels, arrays (rows, columns).

    Most pictures have the same bands, so that they can be compared: those of the tutorial up to
    1e8, continued in the same steps up to 1e14. Above that, the bands grow with the logarithm, so
    that low costs can be distinguished in the presence of costs of 1e900. If the tutorial's bands
    would have fewer than six colors, as in a narrow window around the optimum, even steps of
    log10(cost) are fitted to the data.
    """
    costs = np.concatenate([logs[np.isfinite(logs)] for logs in log10_costs])
    low, high = (float(costs.min()), float(costs.max())) if costs.size else (0.0, 0.0)
    if high > _EVEN_TOP:
        return _wide_bands(high)
    if np.log10(10**high + 1) - np.log10(10**low + 1) < _MIN_BANDS * _TUTORIAL_STEP:
        return _fine_bands(costs, low, high)
    n_bands = _TUTORIAL_BANDS
    if high > _TUTORIAL_TOP:
        top = 2 * math.ceil(high / 2)
        n_bands = max(n_bands, math.ceil((top + 0.2) / _TUTORIAL_STEP - 1e-9))
    return ColorBands(tuple(-0.2 + _TUTORIAL_STEP * k for k in range(n_bands + 1)), 1)


def _wide_bands(high: float) -> ColorBands:
    top = next(m for m in _one_two_five(10 * high) if m >= high)
    edges = np.sinh(np.linspace(0, math.asinh(top), _WIDE_BANDS + 1))
    edges[-1] = top
    return ColorBands(tuple(edges.tolist()), 1)


def _fine_bands(values: Array, low: float, high: float) -> ColorBands:
    low = max(low, high - _FINE_DECADES, float(np.quantile(values, 0.001)) if values.size else low)
    locator = MaxNLocator(_FINE_BANDS, steps=[1, 2, 2.5, 5, 10])
    edges = locator.tick_values(low, max(high, low + _MIN_FINE_RANGE))
    return ColorBands(tuple(map(float, edges)), 0)


def _one_two_five(limit: float) -> list[float]:
    """Return 2, 5, 10, 20, … up to ``limit``."""
    return [float(m * 10**k) for k in range(12) for m in (1, 2, 5) if 1 < m * 10**k <= limit]
