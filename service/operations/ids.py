"""Ids: a resource is named by a hash of its content or of its request."""

import hashlib
import re
import struct
from typing import Any

import numpy as np
import rfc8785

from service.engine.types import Array
from service.errors import NotFound
from service.schemas.arrays import pieces
from service.schemas.computations import ComputationRequest
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.datasets import ExplicitDataset
from service.schemas.gradient_trace import GradientTraceRequest

# The requests whose results have an id or an ETag.
NamedRequest = ComputationRequest | CostSurfaceRequest | GradientTraceRequest

# Rises whenever the engine's results change for any request. Ids change with it.
RESULT_VERSION = 3

_ID = re.compile(r"(ds|run|map)_[0-9a-f]{32}")


def check_id(prefix: str, text: str) -> str:
    """Return an id that is well formed and has the prefix; raises NotFound for any other text."""
    match = _ID.fullmatch(text)
    if match is None or match[1] != prefix:
        raise NotFound(f"{text[:80]!r} does not exist")
    return text


def dataset_id(inputs: Array, targets: Array) -> str:
    """Return the id of a dataset, which is the same for JSON, CSV and npz.

    The hash covers the shape (N, T) as two unsigned 64-bit integers, then inputs and targets as
    float64, all little-endian, with -0.0 taken as 0.0.
    """
    sha256 = hashlib.sha256(struct.pack("<QQ", *inputs.shape))
    for array in (inputs, targets):
        for _, piece in pieces(array):
            sha256.update(np.ascontiguousarray(piece + 0.0, dtype="<f8").data)
    return f"ds_{sha256.hexdigest()[:32]}"


def canonical_request(
    request: NamedRequest, *, without: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return a request as JSON with every default filled in.

    An explicit dataset appears as the stored dataset with the same arrays: both are the same
    request.
    """
    dataset = request.dataset
    if not isinstance(dataset, ExplicitDataset):
        return request.model_dump(mode="json", exclude=set(without))
    stored = {"kind": "stored", "id": dataset_id(dataset.inputs, dataset.targets)}
    body = request.model_dump(mode="json", exclude={"dataset", *without})
    return {"dataset": stored, **body}


def computation_id(prefix: str, request: dict[str, Any]) -> str:
    """Return the id of a computation.

    Parameters
    ----------
    prefix
        ``run`` or ``map``.
    request
        The canonical request, without fields that do not change the result.
    """
    return f"{prefix}_{digest({**request, 'result_version': RESULT_VERSION})[:32]}"


def digest(value: dict[str, Any]) -> str:
    """Return the SHA-256 of an object's canonical JSON (RFC 8785), in 64 hex digits."""
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()
