"""Approximations of the cost in a picture, chosen from the size of the work.

A request has the same approximation at any time and on any machine. If a clock selected it, one
ETag could identify several pictures under load.
"""

from typing import Any, Final

from service.operations.shared.work_estimates import surface_seconds
from service.rendering.requests import Approximation
from service.schemas.resolved_datasets import DatasetSize

# Of the limit, for the estimated cost. The slowest activation takes 2.3 times its estimate.
SHARE: Final = 0.4
FEWER: Final = 16  # times less work in the next approximation, if one takes too long
N_APPROXIMATIONS: Final = 3
MAX_STRIDE: Final = 8  # pixels; beyond it, sequences are omitted before the grid becomes coarser


def choose_approximations(
    activation: str, size: DatasetSize, common: dict[str, Any]
) -> tuple[Approximation, ...]:
    """Return the finest approximation for the limit of a picture, then coarser ones.

    Parameters
    ----------
    activation
        The name of the activation function.
    size
        The size of the dataset.
    common
        The ``style`` and the ``seconds`` of the request of the picture.

    Returns
    -------
    tuple of Approximation
        A renderer uses the first, unless it takes several times longer than estimated.
    """
    columns, rows = common["style"].pixels
    exact = surface_seconds(activation, size, columns * rows)
    seconds = min(exact, SHARE * common["seconds"])
    return tuple(
        _choose(activation, size, columns * rows, seconds / FEWER**k)
        for k in range(N_APPROXIMATIONS)
    )


def _choose(activation: str, size: DatasetSize, n_pixels: int, seconds: float) -> Approximation:
    """Return the finest approximation of estimated seconds, or the coarsest one."""

    def takes_too_long(stride: int, used: DatasetSize) -> bool:
        return surface_seconds(activation, used, n_pixels / stride**2) > seconds

    stride = 1
    used = size
    while takes_too_long(MAX_STRIDE, used) and used.n_samples > 1:
        used = size._replace(n_samples=used.n_samples // 2, is_precomputed=False)
    while takes_too_long(stride, used) and stride**2 < n_pixels:
        stride += 1
    return Approximation(stride, used.n_samples)
