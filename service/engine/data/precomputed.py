"""What was computed from a dataset before, besides its arrays."""

from dataclasses import dataclass

from service.engine.data.factor import Factor
from service.engine.data.moments import Moments


@dataclass(frozen=True)
class Precomputed:
    """Values that save passes over the data.

    Attributes
    ----------
    moments
        The second moments, for gradients.
    factor
        The factor, for costs; None if it must be computed when a cost is first asked for.
    """

    moments: Moments
    factor: Factor | None = None
