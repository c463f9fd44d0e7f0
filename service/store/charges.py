"""CPU seconds that workers have spent for clients, until a process that serves HTTP charges them.

A worker adds seconds at each checkpoint. One reaper takes them, so that no second is charged twice.
"""

from sqlalchemy import Connection, delete, select

from service.store.database import Database
from service.store.tables import charges, insert


def add(connection: Connection, client: str, seconds: float) -> None:
    """Add seconds to those of a client."""
    statement = insert(connection.dialect.name, charges).values(client=client, seconds=seconds)
    total = charges.c.seconds + statement.excluded.seconds
    connection.execute(
        statement.on_conflict_do_update(index_elements=[charges.c.client], set_={"seconds": total})
    )


def take(database: Database) -> dict[str, float]:
    """Remove and return the seconds of all clients."""
    with database.snapshot() as connection:
        if connection.execute(select(charges.c.client).limit(1)).first() is None:
            return {}
    with database.transaction() as connection:
        rows = connection.execute(delete(charges).returning(charges.c.client, charges.c.seconds))
        return {row.client: row.seconds for row in rows}
