"""The context of use cases: the database, the limits, locks and the scheduler."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakValueDictionary

from anyio import to_thread

from service import store
from service.operations.shared.limits import Limits
from service.operations.shared.resolve import check_size, resolve_dataset
from service.rendering.requests import Drawing
from service.scheduling.scheduler import Scheduler
from service.schemas.datasets import DatasetKind, StoredDataset
from service.schemas.resolved_datasets import AnyDataset


class SharedLock(asyncio.Lock):
    """A lock with the number of requests that hold it or wait for it.

    ``drawing`` is a picture that is not cached, for the requests that wait.
    """

    n_users = 0
    drawing: Drawing | None = None

    async def __aenter__(self) -> None:
        """Acquire the lock."""
        self.n_users += 1
        try:
            await super().__aenter__()
        except BaseException:
            self.n_users -= 1
            raise

    async def __aexit__(self, *error: object) -> None:
        """Release the lock."""
        self.n_users -= 1
        self.release()

    def is_awaited(self) -> bool:
        """Return True if a request waits for the one that holds it."""
        return self.n_users > 1


@dataclass(kw_only=True)
class Context:
    """The database, the limits, the job queue, and the locks for simultaneous requests.

    There is one lock per resource being created, so identical simultaneous requests compute once.
    ``open_database`` is called when the database is first needed.
    """

    open_database: Callable[[], "store.Database"]
    limits: Limits
    enqueue: "store.jobs.Enqueue"
    scheduler: Scheduler
    locks: WeakValueDictionary[str, SharedLock] = field(default_factory=WeakValueDictionary)

    @cached_property
    def database(self) -> "store.Database":
        """The database."""
        return self.open_database()

    def lock(self, resource_id: str) -> SharedLock:
        """Return the lock of a resource."""
        return self.locks.setdefault(resource_id, SharedLock())

    async def resolve(self, source: DatasetKind) -> AnyDataset:
        """Return a dataset, without reading its arrays; raises errors of `resolve_dataset`."""
        if isinstance(source, StoredDataset):
            return await to_thread.run_sync(resolve_dataset, source, self.database, self.limits)
        return check_size(source.resolve(), self.limits)
