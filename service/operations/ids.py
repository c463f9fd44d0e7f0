"""Resources are named by their question: ids as hashes of what was asked."""

import hashlib
import re
import struct
from typing import Any

import numpy as np
import rfc8785

from service.engine.types import Array
from service.errors import NotFound
from service.schemas.arrays import pieces
from service.schemas.base import RequestModel
from service.schemas.datasets import ExplicitDataset

# Raised whenever the engine's results would change for any request; ids change with it.
RESULT_VERSION = 3

_ID = re.compile(r"(ds|run|map)_[0-9a-f]{32}")


def check_id(prefix: str, text: str) -> str:
    """Return an id that is well formed and has the prefix; raises NotFound for any other text."""
    match = _ID.fullmatch(text)
    if match is None or match[1] != prefix:
        raise NotFound(f"there is no {text[:80]!r}")
    return text


def dataset_id(inputs: Array, targets: Array) -> str:
    """Name samples by their content, however they came.

    The hash covers the shape (N, T) as two unsigned 64-bit numbers, then inputs and targets
    as float64, all little-endian, with -0.0 taken as 0.0.
    """
    digest = hashlib.sha256(struct.pack("<QQ", *inputs.shape))
    for array in (inputs, targets):
        for _, piece in pieces(array):
            digest.update(np.ascontiguousarray(piece + 0.0, dtype="<f8").data)
    return f"ds_{digest.hexdigest()[:32]}"


def canonical_request(
    question: RequestModel, *, without: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return a question as plain JSON with every default filled in.

    Samples given in the request appear as the stored dataset that they would be: equal samples
    are the same question.
    """
    request = question.model_dump(mode="json", exclude={"dataset", *without})
    dataset = getattr(question, "dataset", None)
    if isinstance(dataset, ExplicitDataset):
        named = {"kind": "stored", "id": dataset_id(dataset.inputs, dataset.targets)}
        return {"dataset": named, **request}
    if dataset is not None:
        return {"dataset": dataset.model_dump(mode="json"), **request}
    return request


def computation_id(prefix: str, request: dict[str, Any]) -> str:
    """Name a question by its canonical JSON (RFC 8785) and the version of the answers.

    Parameters
    ----------
    prefix
        ``run`` or ``map``.
    request
        The resolved request: defaults filled in, without what does not change the answer.
    """
    return f"{prefix}_{digest({**request, 'result_version': RESULT_VERSION})[:32]}"


def digest(value: dict[str, Any]) -> str:
    """Return the SHA-256 of an object's canonical JSON, in 64 hex digits."""
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()
