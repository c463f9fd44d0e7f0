"""One `serve`, on a local disk."""

from pathlib import Path

import pytest

from service.jobs import sqlite_guard
from service.jobs.sqlite_guard import SqliteGuardError, alone, file_system

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:40 / /mnt/share rw,relatime shared:2 - nfs4 server:/export rw
31 30 0:41 / /mnt/share/local rw - tmpfs tmpfs rw
32 22 0:42 / /mnt/with\\040space rw master:3 - cifs //server/share rw
33 22 0:43 / /mnt/Gerät rw - fuse.rclone remote: rw
34 22 0:44 / /mnt/back\\134x41 rw - fuse.s3fs s3fs rw
cut off
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/data", "ext4"),
        ("/mnt/share", "nfs4"),
        ("/mnt/share/data", "nfs4"),
        ("/mnt/shared", "ext4"),
        ("/mnt/share/local/data", "tmpfs"),
        ("/mnt/with space/data", "cifs"),
        ("/mnt/Gerät/data", "fuse.rclone"),
        ("/mnt/back\\x41", "fuse.s3fs"),
        ("/mnt/backA", "ext4"),
    ],
)
def test_the_file_system_of_a_path(tmp_path: Path, path: str, expected: str) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS, "utf-8")
    assert file_system(Path(path), tmp_path / "mountinfo") == expected


def test_where_nothing_tells_nothing_is_refused(tmp_path: Path) -> None:
    assert file_system(tmp_path, tmp_path / "missing") is None


def test_this_machine_tells(tmp_path: Path) -> None:
    assert file_system(tmp_path) not in {*sqlite_guard.REMOTE, ""}


def test_a_network_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_guard, "file_system", lambda _: "nfs4")
    with (
        pytest.raises(SqliteGuardError, match=r"network disk \(nfs4\).*RNN_DATABASE_URL"),
        alone(tmp_path / "rnn.sqlite3"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_second_one_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "rnn.sqlite3"
    for _ in range(2):
        with alone(file):
            with pytest.raises(SqliteGuardError, match="another process"), alone(file):
                pass
            with alone(tmp_path / "other.sqlite3"):
                pass


def test_another_name_for_the_file_is_refused_as_well(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "directory").symlink_to(tmp_path / "real")
    (tmp_path / "file.db").symlink_to(tmp_path / "real" / "rnn.sqlite3")
    with alone(tmp_path / "real" / "rnn.sqlite3"):
        for other in (tmp_path / "file.db", tmp_path / "directory" / "rnn.sqlite3"):
            with pytest.raises(SqliteGuardError, match="another process"), alone(other):
                pass


def test_a_directory_that_is_missing_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SqliteGuardError, match="No such file"), alone(tmp_path / "a" / "b"):
        pass
