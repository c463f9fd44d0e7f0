"""What is kept: datasets, computations and their arrays, in SQLite or PostgreSQL.

Callers open one `Database`, call `migrate` once, and then use the functions of one module a
resource (`datasets`, `computations`). Everything here blocks: call it from a thread. What goes
wrong arrives as an exception of `service.errors`, never as one of the database's own.
"""

from service.store.database import Database

__all__ = ["Database"]
