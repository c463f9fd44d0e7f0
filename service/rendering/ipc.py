"""Send values with large arrays through a pipe without blocking other threads.

The memory of the arrays is sent out of band (PEP 574), so that nothing is copied with the GIL held.
"""

import pickle
from multiprocessing.connection import Connection
from typing import Any


def send(connection: "Connection[Any, Any]", value: Any) -> None:
    """Send a value that the other end must ``receive``; raises OSError if the pipe is closed."""
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    connection.send_bytes(len(buffers).to_bytes(4, "little") + head)
    for buffer in buffers:
        connection.send_bytes(buffer.raw())


def receive(connection: "Connection[Any, Any]") -> Any:
    """Return a value from ``send``; raises EOFError or OSError if the pipe is closed."""
    message = connection.recv_bytes()
    n_buffers = int.from_bytes(message[:4], "little")
    buffers = [bytearray(connection.recv_bytes()) for _ in range(n_buffers)]
    return pickle.loads(memoryview(message)[4:], buffers=buffers)  # noqa: S301 - from this service
