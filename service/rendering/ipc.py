"""Values with large arrays through a pipe, without holding up the threads beside.

Pickling an array copies it while the interpreter's lock is held: a tenth of a second for 150 MB,
in which nothing else is answered. With the arrays' own memory sent apart (PEP 574) no copy is
made, and writing to the pipe lets go of the lock.
"""

import pickle
from multiprocessing.connection import Connection
from typing import Any


def send(connection: "Connection[Any, Any]", value: Any) -> None:
    """Send a value; the other end has to ``receive`` it. Raises OSError where it is closed."""
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    connection.send_bytes(len(buffers).to_bytes(4, "little") + head)
    for buffer in buffers:
        connection.send_bytes(buffer.raw())


def receive(connection: "Connection[Any, Any]") -> Any:
    """Receive what was sent; raises EOFError or OSError where the other end is closed."""
    message = connection.recv_bytes()
    n_buffers = int.from_bytes(message[:4], "little")
    buffers = [bytearray(connection.recv_bytes()) for _ in range(n_buffers)]
    return pickle.loads(memoryview(message)[4:], buffers=buffers)  # noqa: S301 - from ourselves
