"""Pictures are drawn in processes of their own, warm from the start, so that answers go on.

Each process has one picture at a time and a pipe of its own, rather than a place in a
``ProcessPoolExecutor``. So what is lost with a process is one picture, not all that are under way;
what waits can still be withdrawn; and a process whose owner was killed sees its pipe close, where
the executor's workers would stay behind.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from service.errors import Busy
from service.rendering.process import Lost, RenderProcess, RenderThread
from service.rendering.requests import Drawing

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 120.0  # what takes longer than this, waiting or drawing, is given up
ATTEMPTS = 2

Gone = Callable[[], Awaitable[bool]]


class Renderer(Protocol):
    """What draws one picture at a time."""

    def draw(self, drawing: Drawing) -> bytes:
        """Draw, in the calling thread or at its behest; raises Lost."""

    def is_alive(self) -> bool:
        """Tell whether it can draw another."""

    def kill(self) -> None:
        """End it at once, whatever it is doing."""


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
