"""Ids: the id of a resource is a hash of its content or of its request."""

import hashlib
import re
from typing import Any

import rfc8785

from service.errors import NotFound
from service.schemas.computations import ComputationRequest
from service.schemas.datasets import ObjectiveRequest

# Incremented when the engine's results change for any request. Ids change with it.
RESULT_VERSION = 17

_ID = re.compile(r"(ds|run|map|fit)_[0-9a-f]{32}")


def check_id(prefix: str, text: str) -> str:
    """Return a well-formed id with the prefix; raises NotFound for any other text."""
    match = _ID.fullmatch(text)
    if match is None or match[1] != prefix:
        raise NotFound(f"{text[:80]!r} does not exist")
    return text


def canonical_request(
    request: ObjectiveRequest | ComputationRequest, without: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return a request as JSON with every default filled in.

    A dataset in the request appears as the stored dataset with the same arrays, because both are
    the same request.
    """
    body = request.model_dump(mode="json", exclude={"dataset", *without})
    return {"dataset": request.dataset.name(), **body}


def computation_id(prefix: str, request: dict[str, Any]) -> str:
    """Return the id of a computation from its canonical request; prefixes are run, map and fit."""
    return f"{prefix}_{digest({**request, 'result_version': RESULT_VERSION})[:32]}"


def digest(value: dict[str, Any]) -> str:
    """Return the SHA-256 of an object's canonical JSON (RFC 8785), in 64 hex digits."""
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()
