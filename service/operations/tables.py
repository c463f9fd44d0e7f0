"""Arrays as files: csv tables and npz archives."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def csv(columns: Mapping[str, NDArray[Any]]) -> bytes:
    """Write columns (m,) as a table with a header.

    Numbers are written so that they read back exactly; an empty field stands where a number is
    not finite.
    """
    texts = [list(map(_text, column.tolist())) for column in columns.values()]
    rows = [",".join(columns), *map(",".join, zip(*texts, strict=True))]
    return ("\r\n".join(rows) + "\r\n").encode("ascii")


def _text(number: float) -> str:
    text = repr(number)
    return "" if text in ("inf", "-inf", "nan") else text


def npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write named arrays as an npz archive, compressed; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
