"""What has been computed from a dataset and need not be computed again."""

from dataclasses import dataclass, field
from typing import NamedTuple

from service.engine.data import Moments
from service.engine.optimum import Optimum
from service.engine.types import Array, Weights


class SumsAbout(NamedTuple):
    """Sums over the samples at one pair of weights; see ``service.engine.objective.exact_costs``.

    Of the residuals first, and of the outputs.

    products : (2, T) -- with p_i, by rising power.
    sums, squares : (2,)
    """

    products: Array
    sums: Array
    squares: Array


@dataclass(frozen=True)
class Precomputed:
    """What is known about a dataset besides its arrays.

    moments
        The second moments.
    optimum
        The exact optimum for the initial state 0.
    sums_about
        Sums about the optimum, by initial state and weights.
    """

    moments: Moments
    optimum: Optimum | None = None
    sums_about: dict[tuple[float, Weights], SumsAbout] = field(default_factory=dict)
