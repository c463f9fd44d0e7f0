"""Records of interrupted computations as arrays, which a checkpoint stores."""

from collections.abc import Sequence
from math import prod
from typing import Final
from zlib import crc32

import numpy as np

from service import __version__
from service.engine.interruption import BlockResult
from service.operations.job_types import Arrays

# Another version may compute other blocks.
VERSION: Final = crc32(__version__.encode())


def pack_results(results: Sequence[BlockResult]) -> Arrays:
    """Return the results of blocks as two arrays, whatever their number and their shapes.

    ``numbers`` has all numbers as float64. ``shapes`` has the version of this package and, for each
    result, how many arrays it has, and for each of these the number of its axes and its shape.
    """
    numbers = [np.ravel(array) for result in results for array in result]
    shapes = [VERSION]
    for result in results:
        shapes.append(len(result))
        for array in result:
            shapes += array.ndim, *array.shape
    return {"numbers": np.concatenate(numbers, dtype=np.float64), "shapes": np.array(shapes)}


def unpack_results(packed: Arrays) -> list[BlockResult]:
    """Return the results of `pack_results` as float64; nothing for those of another version."""
    shapes, start = iter(packed.get("shapes", np.zeros(1, np.int64)).tolist()), 0
    results: list[BlockResult] = []
    if next(shapes) != VERSION:
        return results
    for n_arrays in shapes:
        result = []
        for _ in range(n_arrays):
            shape = [next(shapes) for _ in range(next(shapes))]
            end = start + prod(shape)
            result.append(packed["numbers"][start:end].reshape(shape))
            start = end
        results.append(tuple(result))
    return results
