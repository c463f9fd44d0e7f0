"""Compute answers about datasets, the database being asked before a core is taken."""

from collections.abc import Callable
from typing import TypeVar

from fastapi.concurrency import run_in_threadpool

from service.api.dependencies import AppState
from service.operations.ids import check_id
from service.schemas.cost_surface import CostSurfaceRequest, OptimumRequest
from service.schemas.datasets import StoredDataset
from service.schemas.gradient_trace import GradientCheckRequest, GradientTraceRequest
from service.store import datasets

Q = TypeVar("Q", GradientTraceRequest, GradientCheckRequest, CostSurfaceRequest, OptimumRequest)
T = TypeVar("T")


async def computed(answer: Callable[[Q, AppState], T], question: Q, state: AppState) -> T:
    """Compute an answer about a dataset.

    Whether a stored dataset exists is checked before a core is taken, so that requests that need
    no database are answered while it is unavailable.
    """
    if isinstance(question.dataset, StoredDataset):
        dataset_id = check_id("ds", question.dataset.id)
        await run_in_threadpool(datasets.get, state.database, dataset_id)
    return await state.compute(answer, question, state)
