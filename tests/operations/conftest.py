"""Fixtures for the tests of files."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from service.engine.data.dataset import Dataset
from service.errors import Invalid, ServiceError
from service.operations import csv_reader, npz_reader
from service.operations.limits import Limits
from service.operations.resolve import ResolvedDataset

LIMITS = Limits()


class Reading:
    """A reader of files under test."""

    def __init__(self, reader: Callable[[bytes, Limits], ResolvedDataset]) -> None:
        self.reader = reader

    def __call__(self, body: bytes, limits: Limits = LIMITS) -> Dataset:
        """Read a file."""
        return self.reader(body, limits).dataset

    def gives(self, body: bytes, inputs: Any, targets: Any) -> None:
        """Fail unless the file has exactly these numbers."""
        found = self(body)
        np.testing.assert_array_equal(found.inputs, inputs)
        np.testing.assert_array_equal(found.targets, targets)
        assert found.inputs.dtype == found.targets.dtype == np.float64
        assert found.inputs.flags.c_contiguous

    def refuses(self, body: bytes, pointer: str, *words: str) -> None:
        """Fail unless the file is rejected with this pointer."""
        with pytest.raises(Invalid) as caught:
            self(body)
        (field,) = caught.value.errors
        assert field.pointer == pointer
        for word in words:
            assert word in field.detail

    def if_it_can(self, body: bytes) -> Dataset | None:
        """Return the dataset, or None if it is rejected with a ServiceError."""
        try:
            return self(body)
        except ServiceError as caught:
            error = caught
        assert len(error.detail) < 300
        return None


@pytest.fixture(scope="session")
def read_csv() -> Reading:
    """Return the reader of tables."""
    return Reading(csv_reader.read_csv)


@pytest.fixture(scope="session")
def read_npz() -> Reading:
    """Return the reader of archives."""
    return Reading(npz_reader.read_npz)
