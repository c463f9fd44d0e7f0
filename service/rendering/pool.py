"""A pool of rendering processes, and its queue.

Each process draws one picture at a time and has its own pipe. In contrast to a
``ProcessPoolExecutor``, only one picture is lost if a process ends, and no process outlives a
service that was killed, because its pipe closes.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias, TypeVar

from service.rendering.process import RenderProcess, RenderThread
from service.rendering.requests import Drawing, PictureRequest
from service.scheduling.scheduler import QueueCounts, SlotQueue
from service.scheduling.work import add_work
from service.values.budget import OverBudget

T = TypeVar("T")
Renderer: TypeAlias = RenderProcess | RenderThread


class RenderPool:
    """All renderers and the waiting requests.

    Parameters
    ----------
    n_processes
        0 draws in one thread of this process. More threads would not be faster, because
        Matplotlib holds the GIL.
    max_waiting
        The maximum number of waiting requests; further ones are rejected.
    timeout_seconds
        The longest time for waiting, and again for drawing.
    """

    def __init__(self, n_processes: int, max_waiting: int, timeout_seconds: float = 60.0) -> None:
        size = max(n_processes, 1)
        self._queue = SlotQueue(size, max_waiting, timeout_seconds, resource="a renderer")
        self._threads = ThreadPoolExecutor(size, "rendering")
        self._starting: asyncio.Future[list[BaseException | None]] | None = None
        self.renderers: list[Renderer] = [RenderThread()]
        if n_processes:
            self.renderers = [RenderProcess(timeout_seconds) for _ in range(size)]
        self._idle = [*self.renderers]  # the last one has the warmest caches

    @property
    def counts(self) -> QueueCounts:
        """The numbers of waiting requests, and of renderers that are starting or drawing."""
        return self._queue.counts

    def start(self) -> None:
        """Begin to start the renderers; requests wait until the first is ready."""
        starts = [self._run(lambda renderer: renderer.start()) for _ in self.renderers]
        self._starting = asyncio.gather(*starts, return_exceptions=True)  # a request will retry

    def close(self) -> None:
        """Reject waiting pictures, and all further ones. Call it in the event loop."""
        self._queue.close()

    async def stop(self) -> None:
        """Terminate all renderers; the pictures that they are drawing are lost."""
        for renderer in self.renderers:
            renderer.stop()
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        if self._starting is not None:
            await self._starting

    async def draw(self, request: PictureRequest) -> Drawing:
        """Return a picture.

        Raises
        ------
        OverBudget
            The picture exceeded its CPU seconds.
        Busy
            Too many requests are waiting, the client has disconnected, drawing took too long, two
            renderers ended while drawing, none can be started, or the pool is closed.
        """
        spent = 0.0
        try:
            picture, spent = await self._run(lambda renderer: renderer.draw(request))
        except OverBudget as over:
            spent = over.spent
            raise
        finally:
            add_work(spent=spent)
        return picture

    async def _run(self, function: Callable[[Renderer], T]) -> T:
        """Call a function in a thread when a renderer is free.

        When the request is cancelled, the renderer still finishes its picture.
        """
        await self._queue.take_slot()
        renderer = self._idle.pop()
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(self._threads, function, renderer)

        def release(done: asyncio.Future[T]) -> None:
            self._idle.append(renderer)
            self._queue.release_slot()
            if not done.cancelled():
                done.exception()  # asyncio logs it if the cancelled request does not retrieve it

        call.add_done_callback(release)
        return await asyncio.shield(call)
