"""A pool of rendering processes, and the queue in front of them.

Each process draws one picture at a time and has its own pipe. Compared with a
``ProcessPoolExecutor``, a process that ends takes only one picture with it, and no process outlives
a service that was killed, because its pipe closes.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Timer
from typing import TypeAlias, TypeVar, TypeVarTuple

from service.errors import Busy
from service.rendering.process import ProcessLost, RenderProcess, RenderThread
from service.rendering.requests import PictureRequest
from service.scheduling import SlotQueue, current_work

logger = logging.getLogger(__name__)

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

MAX_ATTEMPTS = 2
Renderer: TypeAlias = RenderProcess | RenderThread


class RenderPool:
    """All renderers and the requests that wait for them.

    Parameters
    ----------
    n_processes
        0 draws in one thread of this process. More threads would not be faster, because
        Matplotlib holds the GIL.
    max_waiting
        How many requests may wait for a renderer; further ones are refused.
    timeout_seconds
        The longest time for waiting, and again for drawing.

    Attributes
    ----------
    renderers
        Those that were started and are not known to have ended.
    """

    def __init__(self, n_processes: int, max_waiting: int, timeout_seconds: float = 60.0) -> None:
        self._make: Callable[[], Renderer] = RenderProcess if n_processes else RenderThread
        self._size = max(n_processes, 1)
        self._timeout_seconds = timeout_seconds
        self._queue = SlotQueue(self._size, max_waiting, timeout_seconds, resource="a renderer")
        self._threads = ThreadPoolExecutor(self._size, "rendering")
        self._idle: list[Renderer] = []  # the last one was used last, and has the most in caches
        self._starting: list[asyncio.Future[None]] = []
        self._is_stopped = False
        self.renderers: set[Renderer] = set()

    @property
    def n_waiting(self) -> int:
        """How many requests wait for a renderer."""
        return self._queue.counts.waiting

    @property
    def n_drawing(self) -> int:
        """How many renderers are starting or drawing."""
        return self._queue.counts.running

    def start(self) -> None:
        """Begin to start the renderers; requests wait until the first of them is ready."""
        for _ in range(self._size):
            self._starting.append(asyncio.ensure_future(self._run(self._start_idle)))

    def close(self) -> None:
        """Refuse the pictures that wait, and all further ones. Call it in the event loop."""
        self._queue.close()

    async def stop(self) -> None:
        """End all renderers; the pictures that they are drawing are lost."""
        self._is_stopped = True
        for renderer in [*self.renderers]:
            renderer.kill()
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        for renderer in [*self.renderers]:  # those that were starting
            renderer.kill()
        await asyncio.gather(*self._starting, return_exceptions=True)

    async def draw(self, request: PictureRequest) -> bytes:
        """Return the bytes of a picture.

        Raises
        ------
        OverBudget
            The picture took more CPU seconds than it may.
        Busy
            Too many requests are waiting, the client has disconnected, drawing took too long, two
            renderers ended while drawing, none can be started, or the pool is closed.
        """
        spent = [0.0]
        try:
            return await self._run(self._draw, request, spent)
        finally:
            work = current_work.get()
            if work is not None:
                await work.end(sum(spent))

    async def _run(self, function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """Call a function in a thread when a renderer is free.

        When the request is cancelled, the renderer still finishes its picture.
        """
        await self._queue.take_slot()
        call = asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        call.add_done_callback(lambda _: self._queue.release_slot())
        return await asyncio.shield(call)

    def _draw(self, request: PictureRequest, spent: list[float]) -> bytes:
        """Draw a picture, and add the CPU seconds of every attempt to a list."""
        for _ in range(MAX_ATTEMPTS):
            renderer = self._take_idle() or self._start()
            timer = Timer(self._timeout_seconds, renderer.kill)
            timer.start()
            try:
                return renderer.draw(request)
            except ProcessLost as lost:
                if lost.killed:
                    raise Busy("drawing took too long, or the service is stopping") from None
                logger.warning("a rendering process ended while drawing a picture")
            finally:
                timer.cancel()
                spent.append(renderer.spent)
                self._idle.append(renderer)
        raise Busy(f"{MAX_ATTEMPTS} rendering processes ended while drawing this picture")

    def _take_idle(self) -> Renderer | None:
        """Return the renderer that was used last and has not ended."""
        with suppress(IndexError):
            while True:
                renderer = self._idle.pop()
                if renderer.is_alive():
                    return renderer
                self.renderers.discard(renderer)
        return None

    def _start_idle(self) -> None:
        with suppress(Busy):  # the next request tries again
            self._idle.append(self._start())

    def _start(self) -> Renderer:
        try:
            renderer = self._make()
        except (ProcessLost, OSError) as error:
            logger.error("cannot start a rendering process: %r", error)
            raise Busy("a rendering process cannot be started") from error
        self.renderers.add(renderer)
        if self._is_stopped:
            renderer.kill()
        return renderer
