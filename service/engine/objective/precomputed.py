"""Values computed from a dataset, which are stored to avoid repeated work."""

from dataclasses import dataclass

from service.engine.data import Moments
from service.engine.optimum import Optimum
from service.engine.types import Array


@dataclass(frozen=True)
class Precomputed:
    """Precomputed values of a dataset, in addition to its arrays.

    moments
        The second moments.
    exact_moments
        The result of ``compute_exact_moments``, for costs that cancel.
    optimum
        The exact optimum for the initial state 0.
    """

    moments: Moments
    exact_moments: Array | None = None
    optimum: Optimum | None = None
