"""Storage of datasets, computations and their arrays in SQLite or PostgreSQL.

Open one `Database` per process and call `migrate` once. Then use the functions of one module per
resource: `datasets`, `computations`, and `jobs` for computations that workers execute. All of them
block, so call them from a thread. They raise the exceptions of `service.errors`, never those of
SQLAlchemy or of a driver: a StoreError if the database fails (see `Database.transaction`).

Modules are imported when they are first used. Those of the database take longer than a small fit,
and commands need them only for files. `rows` imports no database.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.store import arrays, checkpoints, computations, datasets, jobs
    from service.store.database import Database

__all__ = ["Database", "arrays", "checkpoints", "computations", "datasets", "jobs"]


def __getattr__(name: str) -> Any:
    """Import a module, or the one of `Database`, and return it."""
    if name == "Database":
        return import_module("service.store.database").Database
    if name in __all__:
        return import_module(f"service.store.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
