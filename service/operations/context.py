"""What use cases share: the database, the limits, locks and the scheduler."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from anyio import to_thread

from service.operations.limits import Limits
from service.operations.resolve import dataset_size
from service.operations.work_estimates import DatasetSize, reading_seconds
from service.scheduling import Scheduler
from service.schemas.datasets import DatasetSource, ExplicitDataset, StoredDataset
from service.store.database import Database
from service.store.jobs import Enqueue

T = TypeVar("T")


class DatasetRequest(Protocol):
    """A request that names a dataset."""

    @property
    def dataset(self) -> DatasetSource:
        """The source of the dataset."""


R = TypeVar("R", bound=DatasetRequest)

Estimate: TypeAlias = Callable[[R, DatasetSize, Limits], float]
"""Returns the estimated seconds of a request; raises LimitExceeded if they are too many."""


def estimate_preparation(request: DatasetRequest, size: DatasetSize, _limits: Limits) -> float:
    """Return the estimated seconds to name a file: an explicit dataset is hashed."""
    return reading_seconds(size) if isinstance(request.dataset, ExplicitDataset) else 0.0


@dataclass(kw_only=True)
class Context:
    """The database, the limits, the job queue, and the locks for simultaneous requests.

    Parameters
    ----------
    enqueue
        Puts a job into the queue, as part of a transaction.
    scheduler
        Decides when computations run, so that short ones are not delayed.
    locks
        One per resource that is being made: identical simultaneous requests compute once.
    """

    database: Database
    limits: Limits
    enqueue: Enqueue
    scheduler: Scheduler
    locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def lock(self, resource_id: str) -> asyncio.Lock:
        """Return the lock of a resource."""
        return self.locks.setdefault(resource_id, asyncio.Lock())

    async def run(
        self, use_case: Callable[[R, Database, Limits], T], request: R, estimate: Estimate[R]
    ) -> T:
        """Run a use case that computes from a dataset.

        The limits are checked, and a stored dataset is looked up, before the computation waits for
        a core. Requests that do not need the database succeed while it is unavailable.
        """
        size = await self.size_of(request.dataset)
        seconds = estimate(request, size, self.limits)
        return await self.scheduler.run(seconds, use_case, request, self.database, self.limits)

    async def size_of(self, source: DatasetSource) -> DatasetSize:
        """Return the size of a dataset; raises as `dataset_size`."""
        if isinstance(source, StoredDataset):
            return await to_thread.run_sync(dataset_size, source, self.database, self.limits)
        return dataset_size(source, self.database, self.limits)
