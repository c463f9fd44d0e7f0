"""Requests, and pools of real or fake rendering processes."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from service.figures.style import Style
from service.rendering.pool import RenderPool
from service.rendering.process import RenderProcess
from service.rendering.requests import Drawing, PictureData, SurfacePictureRequest
from service.schemas.costs import CostSurfaceRequest
from service.schemas.datasets import CountOnesDataset
from tests.conftest import until

SURFACE = CostSurfaceRequest.model_validate({})
SMALL = Style(320, 240)


class PoolRunner:
    """A pool and the event loop that it runs in."""

    def __init__(
        self, closing: ExitStack, n_processes: int, max_waiting: int = 8, **options: Any
    ) -> None:
        self.runner = closing.enter_context(asyncio.Runner())
        self.pool = RenderPool(n_processes, max_waiting, **options)
        closing.callback(lambda: self.runner.run(self.pool.stop()))

    def draw(self, request: Any) -> Drawing:
        return self.runner.run(self.pool.draw(request))

    def pids(self) -> set[int]:
        """Return the ids of the processes, which are started by the first call."""
        processes = [each for each in self.pool.renderers if isinstance(each, RenderProcess)]

        async def wait() -> set[int]:
            if any(each.pid is None for each in processes):
                self.pool.start()
            await until(
                lambda: all(each.pid for each in processes) and not self.pool.counts.running
            )
            return {each.pid for each in processes if each.pid is not None}

        return self.runner.run(wait())


def surface(seed: int = 1, suffix: str = "png") -> SurfacePictureRequest:
    """Return the request of a small surface."""
    return SurfacePictureRequest(
        surface=SURFACE,
        data=PictureData(CountOnesDataset(seed=seed).resolve().dataset),
        style=SMALL,
        suffix=suffix,
        http_request=f'{{"seed":{seed}}}',
    )


@pytest.fixture(scope="module")
def start_pool() -> Iterator[Callable[..., PoolRunner]]:
    """Return a function that makes a pool; its processes end with the module."""
    with ExitStack() as closing:
        yield lambda *sizes, **options: PoolRunner(closing, *sizes, **options)
