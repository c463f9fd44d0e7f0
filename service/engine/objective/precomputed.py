"""Values computed from a dataset, which are stored to avoid repeated work."""

from dataclasses import dataclass

from service.engine.data import ExactMoments, Moments
from service.engine.optimum import Optimum


@dataclass(frozen=True)
class Precomputed:
    """Precomputed values of a dataset, in addition to its arrays.

    moments
        The second moments.
    exact_moments
        The second moments to about 28 digits, for costs that cancel.
    optimum
        The exact optimum for the initial state 0.
    """

    moments: Moments
    exact_moments: ExactMoments | None = None
    optimum: Optimum | None = None
