"""Readers of dataset files under test."""

import io
from typing import Any

import numpy as np
import pytest

from service.engine.data import Series
from service.errors import Invalid, ServiceError
from service.formats import CSV, NPZ, DatasetArrays, DatasetFormat, SeriesColumns
from service.operations.shared.limits import Limits

LIMITS = Limits()


class Reading:
    """The reader of a format under test."""

    def __init__(self, file_format: DatasetFormat) -> None:
        self.file_format = file_format

    def __call__(self, body: bytes, limits: Limits = LIMITS) -> DatasetArrays:
        """Read a file."""
        return self.file_format.read(body, limits, None)

    def gives(self, body: bytes, inputs: Any, targets: Any) -> None:
        """Fail unless the file has exactly these numbers."""
        for array, expected in zip(self(body), (inputs, targets), strict=True):
            np.testing.assert_array_equal(array, expected)
            assert array.dtype == np.float64
            assert array.flags.c_contiguous

    def refuses(self, body: bytes, pointer: str, *words: str) -> None:
        """Fail unless the file is rejected with this pointer."""
        with pytest.raises(Invalid) as caught:
            self(body)
        (field,) = caught.value.errors
        assert field.pointer == pointer
        for word in words:
            assert word in field.detail

    def if_it_can(self, body: bytes) -> DatasetArrays | None:
        """Return the arrays, or None if the file is rejected with a ServiceError."""
        try:
            return self(body)
        except ServiceError as caught:
            error = caught
        assert len(error.detail) < 600
        return None


def make_npz(**arrays: Any) -> bytes:
    """Return an archive of arrays."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


read_csv, read_npz = Reading(CSV), Reading(NPZ)


class SeriesReading:
    """The reader of series of a format under test, and its writer."""

    def __init__(self, file_format: DatasetFormat) -> None:
        self.file_format = file_format

    def __call__(self, body: str | bytes, **names: Any) -> Series:
        """Read a file."""
        contents = body.encode() if isinstance(body, str) else body
        return self.file_format.read_series(contents, SeriesColumns(**names), LIMITS)

    def refuses(self, body: str | bytes, *words: str, **names: Any) -> str:
        """Return the pointer or the parameter with which a file is refused."""
        with pytest.raises(Invalid) as caught:
            self(body, **names)
        (error,) = caught.value.errors
        for word in words:
            assert word in error.detail
        assert len(error.detail) < 400
        return f"?{error.parameter}" if error.pointer is None else error.pointer

    def write(self, series: Series) -> bytes:
        """Return the file of a series."""
        file = io.BytesIO()
        self.file_format.write_series(series, file)
        return file.getvalue()


read_series_csv, read_series_npz = SeriesReading(CSV), SeriesReading(NPZ)
