"""Files that callers download, with ETags that identify their content."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, BinaryIO, Final, NamedTuple, TypeAlias

import rfc8785
from numpy.typing import NDArray
from pydantic import ValidationError

from service import __version__, store
from service.errors import Conflict
from service.figures import RENDERER_VERSION
from service.formats import CSV, write_csv
from service.operations.shared.ids import RESULT_VERSION, digest
from service.operations.shared.limits import Limits
from service.rendering.requests import PictureRequest, figure_style
from service.schemas.pictures import PictureOptions
from service.store.rows import ComputationRow

Common: TypeAlias = dict[str, Any]  # the common part of picture requests
Arrays: TypeAlias = dict[str, NDArray[Any]]  # by name

MATPLOTLIB_VERSION: Final = version("matplotlib")


class Download(NamedTuple):
    """A file that is written only if the caller does not have it."""

    etag: str  # identifies its content
    seconds: float  # the estimate for computing and writing it
    write: Callable[[BinaryIO], None]  # computes its content, and writes it; may be called again


class Picture(NamedTuple):
    """A picture that is drawn only if no cache has it."""

    etag: str  # of its bytes
    suffix: str  # png, svg or pdf
    prepare: Callable[["store.Database"], PictureRequest]  # loads what it shows; called in a thread


def name_picture(
    request: dict[str, Any], options: PictureOptions, size: tuple[int, int], limits: Limits
) -> tuple[Common, str]:
    """Return the common part of picture requests, and the ETag of the bytes of the picture.

    Parameters
    ----------
    request
        The HTTP request of the picture, without the options.
    size
        The width and height of the figure if the options have none.
    """
    query = options.model_dump(mode="json", exclude_none=True)
    made, seconds = {**request, "query": query}, limits.max_picture_seconds
    common = {
        "style": figure_style(options, size),
        "suffix": request["path"].rpartition(".")[2],
        "http_request": rfc8785.dumps(made).decode(),
        "seconds": seconds,
    }
    own = {*type(options).model_fields} - {*PictureOptions.model_fields}
    common |= options.model_dump(include=own)
    # The approximation of the cost depends on the seconds.
    return common, make_etag(request["path"], made, RENDERER_VERSION, MATPLOTLIB_VERSION, seconds)


def computed_file(
    path: str,
    content: dict[str, Any] | str,
    seconds: float,
    compute: Callable[[], Mapping[str, NDArray[Any]]],
    write_arrays: Callable[[Mapping[str, NDArray[Any]], BinaryIO], None] = write_csv,
) -> Download:
    """Return a file of arrays, by default a CSV table, which are computed when it is written."""
    return Download(make_etag(path, content), seconds, lambda file: write_arrays(compute(), file))


def make_etag(path: str, content: dict[str, Any] | str, *versions: str | float) -> str:
    """Return the ETag of a file with the given content, as JSON or as an id."""
    known = [__version__, RESULT_VERSION, *versions]
    return f'"{digest({"path": path, "content": content, "versions": known})[:32]}"'


def stored_table(
    path: str,
    row: ComputationRow,
    columns: Mapping[str, str],
    n_rows: float,
    database: "store.Database",
    extend: Callable[[Arrays], Arrays] = dict,
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

    def load() -> Arrays:
        arrays = store.arrays.load(database, row.id)
        with conflict_if_outdated(row):
            return extend({column: arrays[name] for column, name in columns.items()})

    seconds = len(columns) * CSV.writing_seconds * n_rows
    return computed_file(path, row.id, seconds, load)


@contextmanager
def conflict_if_outdated(row: ComputationRow) -> Iterator[None]:
    """Raise Conflict where the result of an earlier release lacks what a file needs."""
    try:
        yield
    except (KeyError, ValidationError):
        if row.result_version == RESULT_VERSION:
            raise
        detail = "an earlier release computed this, without what the file needs: "
        raise Conflict(f"{detail}send the request of the computation again") from None


def computed_table(path: str, columns: Mapping[str, NDArray[Any]]) -> Download:
    """Return columns as a CSV table, whose ETag is that of their numbers and texts."""
    # The bytes of an array of objects are addresses.
    parts = [each.astype(str) if each.dtype == object else each for each in columns.values()]
    content = hashlib.sha256(b"".join(each.tobytes() for each in parts)).hexdigest()
    seconds = CSV.writing_seconds * sum(map(len, columns.values()))
    return computed_file(f"{path}/{len(columns)}", content, seconds, lambda: columns)
