"""Who sent the current request."""

from contextvars import ContextVar
from typing import Final

current_key: Final[ContextVar[str | None]] = ContextVar("current_key", default=None)
"""The name of the API key of the current request. None without keys."""

current_client: Final[ContextVar[str | None]] = ContextVar("current_client", default=None)
"""Who has a share of the queue: the API key, or else the address."""
