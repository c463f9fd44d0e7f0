"""Storage of datasets, computations and their arrays in SQLite or PostgreSQL.

Open one `Database` per process and call `migrate` once. Then use the functions of one module per
resource: `datasets`, `computations`, and `jobs` for computations that workers execute. All of them
block, so call them from a thread. They raise the exceptions of `service.errors`, never those of
SQLAlchemy or of a driver: a StoreError if the database fails (see `Database.transaction`).
"""

from service.store.database import Database

__all__ = ["Database"]
