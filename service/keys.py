"""API keys: a random secret for the client, and its hash for the settings of the service."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from enum import StrEnum
from hmac import compare_digest
from typing import Final, NamedTuple

PREFIX: Final = "rnn_"  # recognized by scanners for leaked secrets
KEY_BYTES: Final = 32  # too many to guess, so a fast hash is enough
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
ENTRY: Final = re.compile(rf"({NAME.pattern}):(read|write):([0-9a-f]{{64}})")


class Scope(StrEnum):
    """The permissions of a key. ``write`` includes ``read``."""

    READ = "read"
    WRITE = "write"


class ApiKey(NamedTuple):
    """An entry of the settings: the name of a key, its scope, and the SHA-256 of its text."""

    name: str
    scope: Scope
    digest: str

    def __str__(self) -> str:
        return f"{self.name}:{self.scope}:{self.digest}"


def make_key(name: str, scope: Scope) -> tuple[str, ApiKey]:
    """Return a new random key and its entry; raises ValueError for an invalid name."""
    if not NAME.fullmatch(name):
        message = f"the name of a key has up to 64 letters, digits, '_', '.' and '-', not {name!r}"
        raise ValueError(message)
    key = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    return key, ApiKey(name, scope, _hash(key.encode()))


def parse_keys(text: str) -> tuple[ApiKey, ...]:
    """Parse comma-separated entries ``name:scope:hash``.

    Several entries may have the same name, so that a key can be replaced without an interruption.
    The ValueError for a malformed entry contains its position, not its content.
    """
    entries = []
    for i, part in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        match = ENTRY.fullmatch(part)
        if match is None:
            message = f"entry {i} must be name:read:hash or name:write:hash, with 64 hex digits"
            raise ValueError(message)
        entries.append(ApiKey(match[1], Scope(match[2]), match[3]))
    return tuple(entries)


def find_key(keys: Iterable[ApiKey], secret: bytes) -> ApiKey | None:
    """Return the entry of a key, in a time that does not depend on its position."""
    digest = _hash(secret)
    matches = [key for key in keys if compare_digest(key.digest, digest)]
    return matches[-1] if matches else None


def _hash(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()
