"""Files that callers download, with ETags that identify their content."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service import __version__
from service.formats import CSV, write_csv
from service.operations.ids import RESULT_VERSION, canonical_request, digest
from service.schemas.objective import ObjectiveRequest
from service.store import computations
from service.store.array_codec import ArrayStream
from service.store.database import Database
from service.store.rows import ComputationRow


class Download(NamedTuple):
    """A file that is written only if the caller does not have it."""

    etag: str  # identifies its content
    seconds: float  # the estimate for computing and writing it
    write: Callable[[BinaryIO], None]  # computes its content, and writes it; may be called again


def request_etag(path: str, request: ObjectiveRequest) -> str:
    """Return the ETag of the file that a request describes."""
    return _etag(path, canonical_request(request))


def resource_etag(path: str, resource_id: str) -> str:
    """Return the ETag of a file of a stored resource."""
    return _etag(path, resource_id)


def _etag(path: str, content: dict[str, Any] | str) -> str:
    versions = [__version__, RESULT_VERSION]
    return f'"{digest({"path": path, "content": content, "versions": versions})[:32]}"'


def stored_table(
    path: str,
    row: ComputationRow,
    columns: Mapping[str, str],
    n_rows: float,
    database: Database,
    extend: Callable[[dict[str, ArrayStream]], dict[str, ArrayStream]] = dict,
) -> Download:
    """Return arrays of a stored computation as a CSV table.

    Parameters
    ----------
    path
        The path of the file.
    columns
        Maps the names of the columns to those of the arrays.
    n_rows
        The approximate number of rows.
    extend
        Returns the table with further columns.
    """

    def write(file: BinaryIO) -> None:
        streams = computations.open_streams(database, row.id)
        write_csv(extend({column: streams[name] for column, name in columns.items()}), file)

    seconds = len(columns) * CSV.writing_seconds * n_rows
    return Download(resource_etag(path, row.id), seconds, write)


def computed_table(path: str, columns: Mapping[str, NDArray[Any]]) -> Download:
    """Return columns as a CSV table, whose ETag is that of their numbers."""
    content = sha256(np.column_stack([*columns.values()]).tobytes()).hexdigest()

    def write(file: BinaryIO) -> None:
        write_csv({name: ArrayStream.of(column) for name, column in columns.items()}, file)

    etag = resource_etag(f"{path}/{len(columns)}", content)
    seconds = CSV.writing_seconds * sum(map(len, columns.values()))
    return Download(etag, seconds, write)
