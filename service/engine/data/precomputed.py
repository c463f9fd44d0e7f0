"""Moments and the factor of a dataset, computed earlier."""

from dataclasses import dataclass

from service.engine.data.factor import Factor
from service.engine.data.moments import Moments


@dataclass(frozen=True)
class Precomputed:
    """Values that save passes over the data."""

    moments: Moments  # for gradients
    # for costs; None if it must be computed when a cost is first asked for
    factor: Factor | None = None
