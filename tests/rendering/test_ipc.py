"""Values through a pipe."""

import pickle
from multiprocessing import Pipe
from typing import Any

import numpy as np
import pytest

from service.rendering.ipc import receive, send


def test_large_arrays_are_not_copied_into_the_message() -> None:
    sizes = []

    class Counting:
        def send_bytes(self, message: Any) -> None:
            sizes.append(len(memoryview(message).cast("B")))

    array = np.zeros(100_000)
    send(Counting(), [array, array])  # type: ignore[arg-type]
    assert sizes[0] < 1000
    assert sizes[1:] == [array.nbytes]


def test_a_closed_pipe_is_an_error() -> None:
    here, there = Pipe()
    there.close()
    with pytest.raises(OSError):  # noqa: PT011 - of several kinds
        send(here, np.zeros(10**6))
    here, there = Pipe()
    here.send_bytes((1).to_bytes(4, "little") + pickle.dumps(None))
    here.close()
    with pytest.raises((EOFError, OSError)):
        receive(there)
