"""Values through a pipe."""

import pickle
from multiprocessing import Pipe
from threading import Thread
from typing import Any

import numpy as np
import pytest

from service.rendering.ipc import receive, send


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.empty((0, 3)),
        np.arange(12.0).reshape(3, 4)[::2, ::-1],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.float64(2.5),
        np.arange(1_000_000),
    ],
)
def test_arrays_are_received_unchanged(array: Any) -> None:
    here, there = Pipe()
    sender = Thread(target=send, args=(here, {"one": array, "same": array, "text": "ä"}))
    sender.start()
    found = receive(there)
    sender.join()
    for name in ("one", "same"):
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    assert found["text"] == "ä"
    if found["one"].size > 1:
        found["one"] += 1  # its own memory, which may be written to


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
