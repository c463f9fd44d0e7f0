"""A rendering process: its handle in the service, and its loop."""

import logging
import multiprocessing
import os
import pickle
import resource
import signal
import tempfile
from contextlib import suppress
from math import ceil, inf, isfinite
from multiprocessing.connection import Connection
from threading import Timer
from traceback import format_exception
from typing import Any

from service.errors import Busy
from service.rendering.requests import Drawing, PictureRequest
from service.signals import block_interrupts
from service.values.budget import Budget, OverBudget

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 2
# Longest wait until a new process is ready. At its low priority, that took 51 seconds on two cores
# with four busy processes.
START_SECONDS = 180.0
GRACE_SECONDS = 1.0  # of CPU time, for a block that began within the budget of a picture
EXIT_SECONDS = 1.0  # longest wait for the exit status of a process that has ended
NICENESS = 10  # on few cores, the process that serves HTTP has priority
# Bytes of the directory for temporary files. The fork server adds 32 to it for the address of
# its socket, which has at most 103 (macOS) or 107 (Linux).
MAX_SOCKET_DIRECTORY = 70


class RendererError(Exception):
    """A failure of drawing because of a bug; the message is the traceback in the process."""


class RenderProcess:
    """A renderer in a process, which is started when needed and replaced when it has ended.

    Its methods block, so call them in a thread. ``timeout_seconds`` is the longest time for one
    picture.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._connection: Any = None
        self._process: Any = None
        self._is_stopped = False

    @property
    def pid(self) -> Any:
        """The id of the process; None before its start."""
        return self._process and self._process.pid

    def start(self) -> None:
        """Start a process unless there is one, and wait until it is ready; raises Busy."""
        # An idle process sends nothing, so data mean that it has ended.
        if self._connection is not None and not self._connection.poll():
            return
        try:
            context = _context()
            self._connection, theirs = context.Pipe()
            with theirs, block_interrupts():
                process = context.Process(target=serve, args=(theirs,), daemon=True)
                process.start()
            self._process = process
            if self._is_stopped or not self._connection.poll(START_SECONDS):
                process.kill()
            self._connection.recv()
        except (EOFError, OSError) as error:
            if not self._is_stopped:
                logger.error("cannot start a rendering process: %r", error)
            raise Busy("a rendering process cannot be started") from error

    def draw(self, request: PictureRequest) -> tuple[Drawing, float]:
        """Return a picture, and the CPU seconds spent.

        Raises OverBudget, RendererError or MemoryError, and Busy if drawing takes too long, if two
        processes end while they draw, or if none can be started.
        """
        for _ in range(MAX_ATTEMPTS):
            self.start()
            timer = Timer(self._timeout_seconds, self._process.kill)
            timer.start()
            try:
                send(self._connection, request)
                result, spent = self._connection.recv()
            except (EOFError, OSError):
                self._process.join(EXIT_SECONDS)
                if self._process.exitcode == -signal.SIGXCPU:
                    raise OverBudget(request.seconds, request.seconds + GRACE_SECONDS) from None
                if self._is_stopped or not timer.is_alive():
                    raise Busy("drawing took too long, or the service is stopping") from None
                logger.warning("a rendering process ended while drawing a picture")
                continue
            finally:
                timer.cancel()
            if isinstance(result, Exception):
                raise result
            return result, spent
        raise Busy(f"{MAX_ATTEMPTS} rendering processes ended while drawing this picture")

    def stop(self) -> None:
        """Terminate the process immediately, without a replacement."""
        self._is_stopped = True
        if self._process is not None:
            self._process.kill()


class RenderThread:
    """A renderer in the process that serves HTTP, if no other processes are configured."""

    def start(self) -> None:
        """Do nothing: Matplotlib is imported for the first picture."""

    def draw(self, request: PictureRequest) -> tuple[Drawing, float]:
        """Draw in the calling thread."""
        from service.rendering.draw import draw  # noqa: PLC0415 - imports Matplotlib

        budget = Budget(request.seconds)
        return budget.call(draw, request), budget.spent

    def stop(self) -> None:
        """Do nothing: a thread cannot be killed."""


def send(connection: "Connection[Any, Any]", value: Any) -> None:
    """Send a value to the other end, which calls ``receive``; OSError if the pipe is closed.

    The memory of arrays is sent out of band (PEP 574), so that nothing is copied with the GIL held.
    """
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


def serve(connection: "Connection[Any, Any]") -> None:
    """Run a rendering process: draw each request received, until the connection closes.

    The first message is None and means that the process is ready: everything is imported and the
    first picture is drawn. The operating system closes the connection when the service ends.
    """
    from service.rendering.draw import draw, warm_up  # noqa: PLC0415 - imports Matplotlib

    os.nice(NICENESS)
    warm_up()
    result: Drawing | Exception | None = None
    budget = Budget(inf)
    with suppress(EOFError, OSError):
        while True:
            connection.send((result, budget.spent))
            request = receive(connection)
            limit_cpu(request.seconds)
            budget = Budget(request.seconds)
            try:
                result = budget.call(draw, request)
            except OverBudget as over:
                result = over
            except MemoryError as error:
                result = MemoryError(str(error))
            except Exception as error:
                result = RendererError("".join(format_exception(error)))


def limit_cpu(seconds: float) -> None:
    """Set a CPU limit, which ends the process if a block exceeds its budget and a grace period."""
    if isfinite(seconds):
        usage = resource.getrusage(resource.RUSAGE_SELF)
        soft = ceil(usage.ru_utime + usage.ru_stime + seconds + GRACE_SECONDS)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _context() -> Any:
    """Return the start method of processes: if possible a fork server, which imports only once."""
    try:
        has_room = len(os.fsencode(tempfile.gettempdir())) <= MAX_SOCKET_DIRECTORY
    except OSError:
        has_room = False
    if not has_room:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [
            "service.rendering.draw",
            "matplotlib.backends.backend_svg",
            "matplotlib.backends.backend_pdf",
        ]
    )
    return context
