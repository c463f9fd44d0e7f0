"""The client of the current request."""

from contextvars import ContextVar
from typing import Final

current_key: Final[ContextVar[str | None]] = ContextVar("current_key", default=None)
"""The name of the API key of the current request. None without keys."""
