"""The resources that use cases share: the database, the limits, locks and cores."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, TypeVarTuple
from weakref import WeakValueDictionary

from anyio import CapacityLimiter, to_thread

from service.operations.ids import check_id
from service.operations.limits import Limits
from service.schemas.datasets import DatasetSource, StoredDataset
from service.store import datasets
from service.store.database import Database
from service.store.jobs import Enqueue

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class DatasetRequest(Protocol):
    """A request that names a dataset."""

    @property
    def dataset(self) -> DatasetSource:
        """The source of the dataset."""


R = TypeVar("R", bound=DatasetRequest)


@dataclass(kw_only=True)
class Services:
    """The database, the limits, the job queue, and the locks for simultaneous requests.

    Parameters
    ----------
    enqueue
        Puts a job into the queue, as part of a transaction.
    cores
        Limits the threads that compute at the same time, so that short requests are not delayed.
    locks
        One per resource that is being made: identical simultaneous requests compute once.
    """

    database: Database
    limits: Limits
    enqueue: Enqueue
    cores: CapacityLimiter
    locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def lock(self, resource_id: str) -> asyncio.Lock:
        """Return the lock of a resource."""
        return self.locks.setdefault(resource_id, asyncio.Lock())

    async def compute(self, function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """Call a function that computes, in a thread, as soon as a core is free."""
        return await to_thread.run_sync(function, *arguments, limiter=self.cores)

    async def run(self, use_case: Callable[[R, Database, Limits], T], request: R) -> T:
        """Run a use case that computes from a dataset.

        Whether a stored dataset exists is checked before a core is taken: requests that do not need
        the database succeed while it is unavailable.
        """
        if isinstance(request.dataset, StoredDataset):
            dataset_id = check_id("ds", request.dataset.id)
            await to_thread.run_sync(datasets.get, self.database, dataset_id)
        return await self.compute(use_case, request, self.database, self.limits)
