"""What a process that answers requests needs of the jobs."""

from collections.abc import Collection

from service.jobs.queue import Deliveries
from service.jobs.reaper import Reaper
from service.operations.ids import RESULT_VERSION
from service.store.database import Database


class Desk(Deliveries):
    """Delivers jobs, and those of workers that are known to be gone once more."""

    def __init__(self, url: str, database: Database) -> None:
        super().__init__(url)
        self.database = database

    def open(self) -> None:
        """Bring the store's tables and DBOS's up to date."""
        self.database.migrate()
        self.migrate(RESULT_VERSION)

    def release(self, lost: Collection[str] = (), *, but: Collection[str] = ()) -> int:
        """Deliver again what lost workers held, or all workers but some."""
        return Reaper(self.database, self).release(lost, but=but)


def give_back(url: str, names: Collection[str]) -> None:
    """Deliver again what workers held that were ended with their `serve`; raises StoreError."""
    database = Database(url)
    desk = Desk(url, database)
    try:
        Reaper(database, desk).release(names, blameless=True)
    finally:
        desk.close()
        database.close()
