"""Pictures are drawn in processes of their own, warm from the start, so that answers go on.

Each process has one picture at a time and a pipe of its own, rather than a place in a
``ProcessPoolExecutor``. So what is lost with a process is one picture, not all that are under way;
what waits can still be withdrawn; and a process whose owner was killed sees its pipe close, where
the executor's workers would stay behind.
"""

import asyncio
import logging
import multiprocessing
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, Protocol

from service.errors import Busy
from service.operations.pictures import Drawing
from service.operations.wire import send

logger = logging.getLogger(__name__)

START_SECONDS = 60.0  # a process that is not warm by then never will be
PATIENCE_SECONDS = 120.0  # what takes longer than this, waiting or drawing, is given up
ATTEMPTS = 2

Gone = Callable[[], Awaitable[bool]]


class Lost(Exception):
    """The process ended before its answer; ``overdue`` where it was ended for taking too long."""

    def __init__(self, *, overdue: bool = False) -> None:
        super().__init__()
        self.overdue = overdue


class Renderer(Protocol):
    """What draws one picture at a time."""

    def draw(self, drawing: Drawing) -> bytes:
        """Draw, in the calling thread or at its behest; raises Lost."""

    def is_alive(self) -> bool:
        """Tell whether it can draw another."""

    def kill(self) -> None:
        """End it at once, whatever it is doing."""


class RenderProcess:
    """A process that draws; made in a thread, since it takes a while until it is warm."""

    def __init__(self) -> None:
        """Start it and wait until it is warm; raises Lost."""
        context = _context()
        self._connection: Connection[Any, Any]
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._lost = self._overdue = False
        if not self._connection.poll(START_SECONDS):
            self.kill()
        self._receive()

    @property
    def pid(self) -> int | None:
        """The number of the process."""
        pid: int | None = self._process.pid
        return pid

    def draw(self, drawing: Drawing) -> bytes:
        """Send the drawing over and wait for its bytes; raises Lost, or what the drawing did."""
        try:
            send(self._connection, drawing)
        except OSError:
            self._lost = True
            raise Lost(overdue=self._overdue) from None
        answer = self._receive()
        if isinstance(answer, Exception):
            raise answer
        return bytes(answer)

    def _receive(self) -> Any:
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            self._lost = True
            raise Lost(overdue=self._overdue) from None

    def is_alive(self) -> bool:
        """Tell whether it can draw: one that has nothing to do has nothing to say, but an end."""
        return not (self._lost or self._connection.poll())

    def kill(self) -> None:
        """End it at once."""
        self._overdue = True
        self._process.kill()


class RenderThread:
    """Draws in the process that answers, where the system allows no others."""

    def draw(self, drawing: Drawing) -> bytes:
        """Draw in the calling thread."""
        from service.operations.drawing import draw  # noqa: PLC0415 - imports Matplotlib

        return draw(drawing)

    def is_alive(self) -> bool:
        """Tell that it can always draw."""
        return True

    def kill(self) -> None:
        """Do nothing: a thread ends by itself."""


class Rendering:
    """All renderers, and the queue before them.

    Parameters
    ----------
    n_processes
        0 draws in one thread: Matplotlib holds the interpreter's lock, so that two are no faster.
    max_waiting
        So many requests wait for a renderer; the next one is refused.
    """

    def __init__(self, n_processes: int, max_waiting: int) -> None:
        self._make: Callable[[], Renderer] = RenderProcess if n_processes else RenderThread
        self._size = max(n_processes, 1)
        self._max_waiting = max_waiting
        self._started = False
        self._waiting = 0
        self.renderers: set[Renderer] = set()

    def start(self) -> None:
        """Begin to start the renderers; those who draw wait for the first of them."""
        if self._started:
            return
        self._started = True
        # The one that drew last is the first to draw again: it has kept what did not change.
        self._idle: asyncio.LifoQueue[Renderer] = asyncio.LifoQueue()
        self._threads = ThreadPoolExecutor(self._size, "rendering")
        self._tasks: set[asyncio.Task[Any]] = set()
        for _ in range(self._size):
            self._keep(self._bring_up())

    async def stop(self) -> None:
        """End all renderers; what they were drawing is lost."""
        if not self._started:
            return
        self._started = False
        for renderer in self.renderers:
            renderer.kill()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        self.renderers.clear()

    async def draw(self, drawing: Drawing, gone: Gone | None = None) -> bytes:
        """Return the bytes of a picture.

        Parameters
        ----------
        gone
            Tells, when it is this picture's turn, that nobody waits for it any more.

        Raises
        ------
        Busy
            Too many wait already, or it took too long, or its renderer was lost twice.
        """
        self.start()
        if self._idle.empty() and self._waiting >= self._max_waiting:
            raise Busy(f"{self._waiting} pictures wait to be drawn already")
        for _ in range(ATTEMPTS):
            renderer = await self._next()
            if gone is not None and await self._is_gone(gone, renderer):
                raise Busy("whoever asked for this picture is gone")
            try:
                # Where the request is cancelled, its renderer is busy all the same.
                return await asyncio.shield(self._keep(self._use(renderer, drawing)))
            except Lost as lost:
                if lost.overdue:
                    raise Busy("the picture takes too long, or the service ends") from None
                logger.warning("a rendering process was lost, and one picture with it")
        raise Busy("two rendering processes were lost drawing this")

    async def _next(self) -> Renderer:
        """Wait for a renderer that can draw; raises Busy."""
        self._waiting += 1
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    renderer = await self._idle.get()
                    if renderer.is_alive():
                        return renderer
                    self._release(renderer)
        except TimeoutError:
            raise Busy("no rendering process became free") from None
        finally:
            self._waiting -= 1

    async def _is_gone(self, gone: Gone, renderer: Renderer) -> bool:
        try:
            if not await gone():
                return False
        except BaseException:
            self._release(renderer)
            raise
        self._release(renderer)
        return True

    async def _use(self, renderer: Renderer, drawing: Drawing) -> bytes:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(PATIENCE_SECONDS, renderer.kill)
        try:
            return await loop.run_in_executor(self._threads, renderer.draw, drawing)
        finally:
            timer.cancel()
            self._release(renderer)

    def _release(self, renderer: Renderer) -> None:
        """Let the next one have it, or another in its place."""
        if renderer.is_alive():
            self._idle.put_nowait(renderer)
            return
        self.renderers.discard(renderer)
        if self._started:
            self._keep(self._bring_up())

    async def _bring_up(self) -> None:
        """Start one renderer, again and again until that works."""
        loop = asyncio.get_running_loop()
        pause = 1.0
        while True:
            try:
                renderer = await loop.run_in_executor(self._threads, self._make)
            except (Lost, OSError) as error:
                logger.error("cannot start a rendering process: %r", error)
                await asyncio.sleep(pause)
                pause = min(2.0 * pause, 60.0)
            else:
                self.renderers.add(renderer)
                self._idle.put_nowait(renderer)
                return

    def _keep(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _serve(connection: "Connection[Any, Any]") -> None:
    from service.operations.renderer import serve  # noqa: PLC0415 - in the new process only

    serve(connection)


def _context() -> Any:
    """Return how processes are started.

    A fork server imports once for all of them: two are warm in 0.8 s instead of 1.2 s, another
    one in 0.1 s instead of 0.7 s, and each has 37 MB of its own instead of 66 MB.
    """
    try:
        tempfile.gettempdir()  # where the fork server has its socket
    except OSError:
        return multiprocessing.get_context("spawn")
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [
            "service.operations.renderer",
            "matplotlib.backends.backend_svg",
            "matplotlib.backends.backend_pdf",
        ]
    )
    return context
