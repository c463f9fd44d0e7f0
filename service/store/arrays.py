"""Arrays of a dataset or a computation, in rows of at most 4 MiB.

These work inside a transaction of their caller, so that arrays come and go with their owner.
"""

from collections.abc import Iterator, Mapping
from itertools import chain, count

from sqlalchemy import Connection, delete, insert, select

from service.errors import NotFound
from service.store.array_codec import AnyArray, pack, unpack
from service.store.tables import arrays


def write(connection: Connection, owner: str, named: Mapping[str, AnyArray]) -> None:
    """Keep arrays under their owner's id; a name must be new there."""
    for name, array in named.items():
        for part, data in enumerate(pack(array)):
            row = {"owner": owner, "name": name, "part": part, "data": data}
            connection.execute(insert(arrays), row)


def replace(connection: Connection, owner: str, named: Mapping[str, AnyArray]) -> None:
    """Keep these arrays and no others under their owner's id."""
    remove(connection, owner)
    write(connection, owner, named)


def read(connection: Connection, owner: str, name: str) -> AnyArray:
    """Return one array.

    Raises
    ------
    NotFound
        The owner has no array of that name.
    StoreError
        It is damaged.
    """
    parts = _parts(connection, owner, name)
    first = next(parts, None)
    if first is None:
        raise NotFound(f"{owner} has no array {name}.")
    return unpack(chain((first,), parts))


def names(connection: Connection, owner: str) -> list[str]:
    """Return the names of an owner's arrays, sorted."""
    query = select(arrays.c.name).where(arrays.c.owner == owner, arrays.c.part == 0)
    return sorted(connection.execute(query).scalars())


def remove(connection: Connection, owner: str) -> None:
    """Remove all arrays of an owner."""
    connection.execute(delete(arrays).where(arrays.c.owner == owner))


def _parts(connection: Connection, owner: str, name: str) -> Iterator[bytes]:
    """Fetch part by part, so that an array is in memory once and never twice."""
    query = select(arrays.c.data).where(arrays.c.owner == owner, arrays.c.name == name)
    for part in count():
        data = connection.execute(query.where(arrays.c.part == part)).scalar()
        if data is None:
            return
        yield data
