"""Readers of dataset files under test."""

from typing import Any

import numpy as np
import pytest

from service.errors import Invalid, ServiceError
from service.formats import CSV, NPZ, DatasetArrays, DatasetFormat
from service.operations.limits import Limits

LIMITS = Limits()


class Reading:
    """The reader of a format under test."""

    def __init__(self, file_format: DatasetFormat) -> None:
        self.file_format = file_format

    def __call__(self, body: bytes, limits: Limits = LIMITS) -> DatasetArrays:
        """Read a file."""
        return self.file_format.read(body, limits)

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


read_csv, read_npz = Reading(CSV), Reading(NPZ)
