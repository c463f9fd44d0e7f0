"""A pool of rendering processes, and the queue in front of them.

Each process draws one picture at a time and has its own pipe. Compared with a
``ProcessPoolExecutor``, a process that ends takes only one picture with it, waiting requests can
still be withdrawn, and no process outlives a service that was killed, because its pipe closes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

from service.errors import Busy
from service.rendering.process import ProcessLost, RenderProcess, RenderThread
from service.rendering.requests import PictureRequest

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 2

IsDisconnected = Callable[[], Awaitable[bool]]


class Renderer(Protocol):
    """Draws one picture at a time."""

    def draw(self, request: PictureRequest) -> bytes:
        """Draw a picture while the calling thread waits; raises ProcessLost."""

    def is_alive(self) -> bool:
        """Return whether it can draw another picture."""

    def kill(self) -> None:
        """End it immediately, even while it draws."""


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
    n_waiting
        How many requests wait for a renderer.
    """

    def __init__(self, n_processes: int, max_waiting: int, timeout_seconds: float = 60.0) -> None:
        self._make: Callable[[], Renderer] = RenderProcess if n_processes else RenderThread
        self._size = max(n_processes, 1)
        self._max_waiting = max_waiting
        self._timeout_seconds = timeout_seconds
        self._started = False
        self._closed = False
        self.n_waiting = 0
        self.renderers: set[Renderer] = set()

    @property
    def n_drawing(self) -> int:
        """How many renderers are drawing."""
        return max(0, len(self.renderers) - self._idle.qsize()) if self._started else 0

    def start(self) -> None:
        """Begin to start the renderers; requests wait until the first of them is ready."""
        if self._started:
            return
        self._started = True
        # Last in, first out: the renderer used last has the most in its caches.
        self._idle: asyncio.LifoQueue[Renderer | None] = asyncio.LifoQueue()
        self._threads = ThreadPoolExecutor(self._size, "rendering")
        self._tasks: set[asyncio.Task[Any]] = set()
        for _ in range(self._size):
            self._create_task(self._start_renderer())

    def close(self) -> None:
        """Refuse the pictures that wait, and all further ones. Call it in the event loop."""
        self._closed = True
        for _ in range(self.n_waiting):
            self._idle.put_nowait(None)

    async def stop(self) -> None:
        """End all renderers; the pictures that they are drawing are lost."""
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

    async def draw(
        self, request: PictureRequest, is_disconnected: IsDisconnected | None = None
    ) -> bytes:
        """Return the bytes of a picture.

        ``is_disconnected`` is called when a renderer is available.

        Raises
        ------
        Busy
            Too many requests are waiting, the client has disconnected, drawing took too long, or
            two renderers ended while drawing, or the pool is closed.
        """
        self.start()
        if self._idle.empty() and self.n_waiting >= self._max_waiting:
            raise Busy(f"{self.n_waiting} pictures are already waiting to be drawn")
        loop = asyncio.get_running_loop()
        for _ in range(MAX_ATTEMPTS):
            renderer = await self._acquire(is_disconnected)
            drawing = loop.run_in_executor(self._threads, renderer.draw, request)
            timer = loop.call_later(self._timeout_seconds, renderer.kill)
            drawing.add_done_callback(partial(self._on_drawn, renderer, timer))
            try:
                # Shielded: when the request is cancelled, the renderer still finishes its picture.
                return await asyncio.shield(drawing)
            except ProcessLost as lost:
                if lost.killed:
                    raise Busy("drawing took too long, or the service is stopping") from None
                logger.warning("a rendering process ended while drawing a picture")
        raise Busy(f"{MAX_ATTEMPTS} rendering processes ended while drawing this picture")

    async def _acquire(self, is_disconnected: IsDisconnected | None) -> Renderer:
        """Wait for a renderer that can draw; raises Busy."""
        renderer = await self._wait_for_idle()
        try:
            if is_disconnected is not None and await is_disconnected():
                raise Busy("the client has disconnected")
        except BaseException:
            self._release(renderer)
            raise
        return renderer

    async def _wait_for_idle(self) -> Renderer:
        self.n_waiting += 1
        try:
            async with asyncio.timeout(self._timeout_seconds):
                while True:
                    renderer = None if self._closed else await self._idle.get()
                    if renderer is None:
                        raise Busy("the service is shutting down")
                    if renderer.is_alive():
                        return renderer
                    self._release(renderer)
        except TimeoutError:
            raise Busy("no rendering process became available in time") from None
        finally:
            self.n_waiting -= 1

    def _on_drawn(
        self, renderer: Renderer, timer: asyncio.TimerHandle, _: "asyncio.Future[bytes]"
    ) -> None:
        timer.cancel()
        self._release(renderer)

    def _release(self, renderer: Renderer) -> None:
        """Make a renderer available again, or start a new one if it ended."""
        if renderer.is_alive():
            self._idle.put_nowait(renderer)
            return
        self.renderers.discard(renderer)
        if self._started:
            self._create_task(self._start_renderer())

    async def _start_renderer(self) -> None:
        """Start one renderer, and try again with increasing pauses until that succeeds."""
        loop = asyncio.get_running_loop()
        pause = 1.0
        while True:
            try:
                renderer = await loop.run_in_executor(self._threads, self._make)
            except (ProcessLost, OSError) as error:
                logger.error("cannot start a rendering process: %r", error)
                await asyncio.sleep(pause)
                pause = min(2.0 * pause, 60.0)
            else:
                self.renderers.add(renderer)
                self._idle.put_nowait(renderer)
                return

    def _create_task(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
