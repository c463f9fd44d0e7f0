"""Transactions, snapshots and the check for disk space."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import func, insert, select

from service.errors import StoreFull
from service.store import Database, arrays, computations, datasets
from service.store.tables import arrays as table
from tests.conftest import at_once
from tests.store.conftest import add_array, count_arrays, make_finished, make_id

COUNT = select(func.count()).select_from(table)


def test_a_snapshot_does_not_see_later_changes(database: Database) -> None:
    with database.snapshot() as connection:
        assert connection.execute(COUNT).scalar() == 0
        add_array(database, "a")
        assert connection.execute(COUNT).scalar() == 0
    assert count_arrays(database) == 1


def test_transactions_that_read_before_they_write_wait_for_each_other(database: Database) -> None:
    def read_then_write(number: int) -> None:
        with database.transaction() as connection:
            connection.execute(COUNT).scalar()
            row = {"owner": "ds_1", "name": str(number), "part": 0, "data": b""}
            connection.execute(insert(table), row)

    at_once(20, read_then_write)
    assert count_arrays(database) == 20


WRITER = """
import sys
import numpy as np
from service.store import Database, datasets
database = Database(sys.argv[1])
for number in range(10**6):
    inputs = np.full((300, 1000), number + 0.5)
    datasets.add(database, f"ds_{number:x}", inputs, inputs[:, 0])
    print(number, flush=True)
"""


def test_accepted_datasets_survive_a_kill(database: Database, database_url: str) -> None:
    command = [sys.executable, "-c", WRITER, database_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        accepted = [int(next(writer.stdout)) for _ in range(5)]
        writer.kill()
        accepted += [int(line) for line in writer.stdout if line.endswith("\n")]
    rows, _ = datasets.list_page(database, 1000)
    ids = {row.id for row in rows}
    assert {f"ds_{number:x}" for number in accepted} <= ids
    for row in rows:  # the last one may be stored without confirmation, but then it is complete
        stored = arrays.load(database, row.id)
        number = int(row.id.removeprefix("ds_"), 16)
        assert (stored["inputs"] == number + 0.5).all()
        assert stored["targets"].shape == (300,)


def test_an_almost_full_disk_accepts_only_deletions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    database.migrate()
    noise = np.random.default_rng(1).random((1000, 100))
    free = 32 * 2**20 + 16 * (100_000 + 1000)
    monkeypatch.setattr("service.store.database.disk_usage", lambda _: SimpleNamespace(free=free))
    datasets.add(database, "ds_0", noise, noise[:, 0])
    free -= 1
    with pytest.raises(StoreFull, match="no space"):
        datasets.add(database, "ds_1", noise, noise[:, 0])
    with pytest.raises(StoreFull, match="no space"):
        computations.record(database, make_finished(), {"cost": noise, "w_in": noise[:, 0]})
    assert datasets.add(database, "ds_0", noise, noise[:, 0])[1] is False
    datasets.delete(database, "ds_0")
    assert datasets.add(database, "ds_1", noise, noise[:, 0])[1]  # in the pages that this freed
    datasets.delete(database, "ds_1")
    free = 16 * 2**20 + 8 * (100_000 + 1000) - 1  # too little for the log
    with pytest.raises(StoreFull, match="no space"):
        datasets.add(database, "ds_1", noise, noise[:, 0])
    database.close()


def test_a_quota_limits_what_is_stored(database_url: str) -> None:
    database = Database(database_url, max_bytes=4_000_000)
    database.migrate()
    draws = np.random.default_rng(1)

    def add(number: int) -> str:
        dataset_id: str = make_id("ds", number)
        datasets.add(database, dataset_id, draws.random((100_000, 1)), draws.random(100_000))
        return dataset_id

    first = add(1)
    with pytest.raises(StoreFull, match="limit of 4000000 bytes"):
        list(map(add, range(2, 10)))
    datasets.delete(database, first)
    add(11)
    database.close()


def test_deleted_data_return_their_space_to_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    inputs = np.random.default_rng(1).random((500_000, 1))
    datasets.add(database, make_id("ds", 1), inputs, inputs[:, 0])
    datasets.delete(database, make_id("ds", 1))
    while database.release_space():
        pass
    database.close()  # writes the log to the file
    assert file.stat().st_size < 1_000_000
