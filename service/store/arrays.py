"""Arrays of a dataset or a computation, stored in parts of at most 1 MiB.

They are written and deleted inside a transaction of the caller, together with their owner.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import count, islice
from typing import Final

from sqlalchemy import Connection, insert, select
from sqlalchemy import delete as delete_from

from service.errors import NotFound
from service.store.database import Database
from service.store.tables import arrays
from service.values.array_codec import AnyArray, decode, encode

ROWS_AT_A_TIME: Final = 16  # written by one statement


def write(connection: Connection, owner: str, named: Mapping[str, AnyArray]) -> None:
    """Store arrays under the id of their owner, which must not have arrays of these names yet."""
    rows = (
        {"owner": owner, "name": name, "part": part, "data": data}
        for name, array in named.items()
        for part, data in enumerate(encode(array))
    )
    while some := list(islice(rows, ROWS_AT_A_TIME)):
        connection.execute(insert(arrays), some)


def replace(
    connection: Connection, owner: str, named: Mapping[str, AnyArray], prefix: str = ""
) -> None:
    """Store arrays under names with a prefix, and replace all arrays with that prefix."""
    delete(connection, owner, prefix)
    write(connection, owner, {prefix + name: array for name, array in named.items()})


def load(
    database: Database, owner: str, names: Collection[str] | None = None
) -> dict[str, AnyArray]:
    """Return the arrays of an owner, or those with some names, by name, as of one time.

    It raises NotFound if the owner has no arrays, because it was deleted, and StoreError.
    """
    with database.snapshot() as connection:
        return {
            name: decode(_fetch_parts(connection, owner, name))
            for name in _list_names(connection, owner)
            if names is None or name in names
        }


def list_names(database: Database, owner: str) -> list[str]:
    """Return the names of the arrays of an owner, sorted; raises NotFound if it has none."""
    with database.snapshot() as connection:
        return _list_names(connection, owner)


def delete(connection: Connection, owner: str, prefix: str = "") -> None:
    """Delete the arrays of an owner, or those whose names start with a prefix."""
    mine = arrays.c.owner == owner
    connection.execute(delete_from(arrays).where(mine, arrays.c.name.startswith(prefix)))


def _list_names(connection: Connection, owner: str) -> list[str]:
    query = select(arrays.c.name).where(arrays.c.owner == owner, arrays.c.part == 0)
    names = sorted(connection.execute(query).scalars())
    if not names:
        raise NotFound(f"{owner!r} does not exist")
    return names


def _fetch_parts(connection: Connection, owner: str, name: str) -> Iterator[bytes]:
    """Yield one part at a time, so that only one copy of the array is in memory."""
    query = select(arrays.c.data).where(arrays.c.owner == owner, arrays.c.name == name)
    for part in count():
        data = connection.execute(query.where(arrays.c.part == part)).scalar()
        if data is None:
            return
        yield data
