"""Arrays of a dataset or a computation, stored in parts of at most 4 MiB.

These functions run inside a transaction of their caller, so that an owner and its arrays are
written and deleted together.
"""

from collections.abc import Iterator, Mapping
from itertools import chain, count, islice
from typing import Final

from sqlalchemy import Connection, LargeBinary, delete, func, insert, select

from service.errors import NotFound
from service.store.array_codec import AnyArray, ArrayBlocks, decode, decode_blocks, encode
from service.store.database import Database
from service.store.tables import arrays

ROWS_AT_A_TIME: Final = 8  # of at most 4 MiB, written by one statement
SLICE_BYTES: Final = 1024 * 1024  # read at a time; SQLite reads the whole part each time


def write(connection: Connection, owner: str, named: Mapping[str, AnyArray]) -> None:
    """Store arrays under the id of their owner, which must not have arrays of these names yet."""
    rows = (
        {"owner": owner, "name": name, "part": part, "data": data}
        for name, array in named.items()
        for part, data in enumerate(encode(array))
    )
    while some := list(islice(rows, ROWS_AT_A_TIME)):
        connection.execute(insert(arrays), some)


def replace(connection: Connection, owner: str, named: Mapping[str, AnyArray]) -> None:
    """Delete all arrays of an owner and store these."""
    delete_all(connection, owner)
    write(connection, owner, named)


def read(connection: Connection, owner: str, name: str) -> AnyArray:
    """Return one array.

    Raises
    ------
    NotFound
        The owner has no array of that name.
    StoreError
        The stored bytes are damaged.
    """
    parts = _fetch_parts(connection, owner, name)
    first = next(parts, None)
    if first is None:
        raise NotFound(f"{owner} has no array {name}")
    return decode(chain((first,), parts))


def read_blocks(database: Database, owner: str, name: str) -> ArrayBlocks:
    """Return one array, to be read a block at a time; raises as `read`.

    Each slice of a part is read in a transaction of its own, so no connection is in use between
    two slices.
    """
    return decode_blocks(_fetch_slices(database, owner, name))


def list_names(connection: Connection, owner: str) -> list[str]:
    """Return the names of the arrays of an owner, sorted."""
    query = select(arrays.c.name).where(arrays.c.owner == owner, arrays.c.part == 0)
    return sorted(connection.execute(query).scalars())


def delete_all(connection: Connection, owner: str) -> None:
    """Delete all arrays of an owner."""
    connection.execute(delete(arrays).where(arrays.c.owner == owner))


def delete_prefix(connection: Connection, owner: str, prefix: str) -> None:
    """Delete the arrays of an owner whose names start with a prefix."""
    mine = arrays.c.owner == owner
    connection.execute(delete(arrays).where(mine, arrays.c.name.startswith(prefix)))


def _fetch_parts(connection: Connection, owner: str, name: str) -> Iterator[bytes]:
    """Fetch one part at a time, so that only one copy of the array is in memory."""
    query = select(arrays.c.data).where(arrays.c.owner == owner, arrays.c.name == name)
    for part in count():
        data = connection.execute(query.where(arrays.c.part == part)).scalar()
        if data is None:
            return
        yield data


def _fetch_slices(database: Database, owner: str, name: str) -> Iterator[bytes]:
    """Fetch the parts in slices, since many slow readers may have one in memory each."""
    part, start = 0, 0
    while True:
        data = func.substr(arrays.c.data, start + 1, SLICE_BYTES, type_=LargeBinary)
        mine = arrays.c.owner == owner, arrays.c.name == name, arrays.c.part == part
        with database.snapshot() as connection:
            found = connection.execute(select(data).where(*mine)).scalar()
        if found is None:
            if part == 0:
                raise NotFound(f"{owner} has no array {name}")
            return
        if found:
            yield found
        part, start = (part, start + SLICE_BYTES) if len(found) == SLICE_BYTES else (part + 1, 0)
