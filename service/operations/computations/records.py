"""Records of interrupted computations as arrays, which a checkpoint stores."""

from collections.abc import Mapping
from math import prod
from typing import Final
from zlib import crc32

import numpy as np

from service import __version__
from service.engine.interruption import BlockResult
from service.operations.computations.job_types import Arrays

# Blocks may differ in another version.
VERSION: Final = crc32(__version__.encode())


def pack_results(results: Mapping[int, BlockResult]) -> Arrays:
    """Return the results of blocks as two arrays, for any number and any shapes.

    ``numbers`` contains all numbers as float64. ``blocks`` contains the version of this package
    and, for each result, its digest, the number of its arrays, and for each array the number of its
    axes and its shape.
    """
    numbers = [np.ravel(array) for result in results.values() for array in result]
    blocks = [VERSION]
    for digest, result in results.items():
        blocks += digest, len(result)
        for array in result:
            blocks += array.ndim, *array.shape
    return {"numbers": np.concatenate(numbers, dtype=np.float64), "blocks": np.array(blocks)}


def unpack_results(packed: Arrays) -> dict[int, BlockResult]:
    """Return the results of `pack_results` as float64; empty for results of another version."""
    blocks = iter(packed.get("blocks", np.zeros(1, np.int64)).tolist())
    start = 0
    results: dict[int, BlockResult] = {}
    if next(blocks) != VERSION:
        return results
    for digest in blocks:
        result = []
        for _ in range(next(blocks)):
            shape = [next(blocks) for _ in range(next(blocks))]
            end = start + prod(shape)
            result.append(packed["numbers"][start:end].reshape(shape))
            start = end
        results[digest] = tuple(result)
    return results
