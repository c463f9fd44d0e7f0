"""Points of the projective line: the values of w_rec and infinity.

The line has two charts, u = w_rec and u = 1 / w_rec, both with u from -1 to 1. So powers never
overflow, and infinity is the point u = 0 of the second chart.
"""

from math import inf, log
from typing import NamedTuple


class Point(NamedTuple):
    """A point of the projective line: w_rec = u in chart 0, 1 / u in chart 1."""

    chart: int
    u: float

    @classmethod
    def at(cls, w_rec: float) -> "Point":
        """Return the point of a finite w_rec, in the chart where its powers do not overflow."""
        return cls(0, 0.0).moved(w_rec)

    @property
    def w_rec(self) -> float:
        """The recurrent weight; inf at infinity."""
        if self.chart == 0:
            return self.u
        return 1.0 / self.u if self.u != 0.0 else inf

    def moved(self, step: float) -> "Point":
        """Return the point at u + step, in the other chart if that is outside this one."""
        u = self.u + step
        return Point(self.chart, u) if abs(u) <= 1.0 else Point(1 - self.chart, 1.0 / u)

    def distance(self, other: "Point") -> float:
        """Return the distance along the line, which closes after a length of 4."""
        gap = abs(self._position() - other._position()) % 4.0
        return min(gap, 4.0 - gap)

    def _position(self) -> float:
        return self.u if self.chart == 0 else 2.0 - self.u

    def preference(self) -> tuple[float, bool, int]:
        """Return a key that sorts by |ln |w_rec||, positive before negative, small before large."""
        distance = -log(abs(self.u)) if self.u != 0.0 else inf
        return round(distance, 9), self.u < 0.0, self.chart
