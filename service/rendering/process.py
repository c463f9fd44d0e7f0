"""A rendering process: the handle that the service has, and the loop that the process runs."""

import multiprocessing
import os
import resource
import signal
import tempfile
from contextlib import suppress
from math import ceil, inf, isfinite
from multiprocessing.connection import Connection
from traceback import format_exception
from typing import Any

from service.rendering.ipc import receive, send
from service.rendering.requests import PictureRequest
from service.scheduling import Budget, OverBudget

START_SECONDS = 60.0  # longest wait until a new process is ready
GRACE_SECONDS = 1.0  # of CPU time, for a block that began within the budget of a picture
EXIT_SECONDS = 1.0  # longest wait for the exit status of a process that has ended
NICENESS = 10  # on few cores, the process that serves HTTP comes first
# Bytes of the directory for temporary files. The fork server adds 32 to it for the address of
# its socket, which has at most 103 (macOS) or 107 (Linux).
MAX_SOCKET_DIRECTORY = 70


class RendererError(Exception):
    """Drawing failed because of a bug; the message is the traceback in the rendering process."""


class ProcessLost(Exception):
    """The process ended before it responded; ``killed`` if ``RenderProcess.kill`` ended it."""

    def __init__(self, *, killed: bool = False) -> None:
        super().__init__()
        self.killed = killed


class RenderProcess:
    """A process that draws. Construct it in a thread: that takes until the process is ready."""

    def __init__(self) -> None:
        """Start the process and wait until it is ready; raises ProcessLost."""
        context = _context()
        self._connection: Connection[Any, Any]
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._lost = self._killed = False
        self.spent = 0.0
        if not self._connection.poll(START_SECONDS):
            self.kill()
        self._receive()

    @property
    def pid(self) -> int | None:
        """The process id."""
        pid: int | None = self._process.pid
        return pid

    def draw(self, request: PictureRequest) -> bytes:
        """Send the request and wait for the picture.

        Raises ProcessLost, OverBudget, RendererError, or MemoryError.
        """
        try:
            result = self._exchange(request)
        except ProcessLost:
            self._process.join(EXIT_SECONDS)
            if self._process.exitcode == -signal.SIGXCPU:
                raise OverBudget(request.seconds, request.seconds + GRACE_SECONDS) from None
            raise
        if isinstance(result, Exception):
            raise result
        return bytes(result)

    def _exchange(self, request: PictureRequest) -> Any:
        try:
            send(self._connection, request)
        except OSError:
            self._lost = True
            raise ProcessLost(killed=self._killed) from None
        return self._receive()

    def _receive(self) -> Any:
        try:
            result, self.spent = self._connection.recv()
            return result
        except (EOFError, OSError):
            self._lost = True
            raise ProcessLost(killed=self._killed) from None

    def is_alive(self) -> bool:
        """Return whether it can draw: an idle process sends nothing, so data means it ended."""
        return not (self._lost or self._connection.poll())

    def kill(self) -> None:
        """End it immediately."""
        self._killed = True
        self._process.kill()


class RenderThread:
    """Draws in the process that serves HTTP, where no other processes are allowed."""

    spent = 0.0

    def draw(self, request: PictureRequest) -> bytes:
        """Draw in the calling thread."""
        from service.rendering.draw import draw  # noqa: PLC0415 - imports Matplotlib

        budget = Budget(request.seconds)
        try:
            return budget.call(draw, request)
        finally:
            self.spent = budget.spent

    def is_alive(self) -> bool:
        """Return True: it can always draw."""
        return True

    def kill(self) -> None:
        """Do nothing: a thread cannot be killed."""


def serve(connection: "Connection[Any, Any]") -> None:
    """Run a rendering process: draw each request received, until the connection closes.

    The first message is None and means that the process is ready: everything is imported and the
    first picture is drawn. The operating system closes the connection when the service ends.
    """
    from service.rendering.draw import draw, warm_up  # noqa: PLC0415 - imports Matplotlib

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service handles Ctrl+C
    os.nice(NICENESS)
    warm_up()
    result: bytes | Exception | None = None
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
    """Let the operating system end this process if a block goes on after its budget and a grace."""
    if isfinite(seconds):
        usage = resource.getrusage(resource.RUSAGE_SELF)
        soft = ceil(usage.ru_utime + usage.ru_stime + seconds + GRACE_SECONDS)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _context() -> Any:
    """Return the way to start processes: where possible a fork server, which imports only once."""
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
