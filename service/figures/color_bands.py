"""Color bands: ranges of costs with the same color, on a logarithmic scale."""

import math
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm
from matplotlib.ticker import MaxNLocator

from service.engine.types import Array
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
    def caption(self) -> str:
        """The quantity represented by the colors."""
        return "cost + 1" if self.shift else "cost"

    def place(self, log10_costs: Array) -> Array:
        """Return log10(cost + shift) of costs of any size, from the lowest to the highest edge."""
        values = log10_costs
        if self.shift:
            with np.errstate(invalid="ignore"):  # of nan
                values = np.logaddexp(0.0, values * math.log(10)) / math.log(10)
        return np.clip(values, self.edges[0], self.edges[-1])

    def make_colors(self, missing: str = "none") -> ScalarMappable:
        """Return the colors of what ``place`` returns, which are ``missing`` for nan."""
        n = len(self.edges) - 1
        colors = mpl.colormaps[COLOR_MAP].resampled(n).with_extremes(bad=missing)
        return ScalarMappable(BoundaryNorm(self.edges, n, clip=True), colors)

    def find_ticks(self, max_ticks: float) -> list[float]:
        """Return about ``max_ticks`` round values for a bar of equally high bands."""
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
        return [values[i] for i in shown]


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
