"""Only one `serve` per SQLite database, and only on a local disk."""

import errno
import shutil
import tempfile
from pathlib import Path
from unittest.mock import Mock

import psutil
import pytest

from service.errors import StartError
from service.jobs.sqlite_guard import (
    NEEDED_BYTES,
    SPARE_BYTES,
    find_file_system,
    lock_database,
    prepare_directory,
)
from service.settings import Settings

MOUNTS = rb"""/dev/vda1 / ext4 rw,relatime 0 0
server:/export /mnt/share nfs4 rw,relatime 0 0
tmpfs /mnt/share/local tmpfs rw,relatime 0 0
share /mnt/virtual virtiofs rw,relatime 0 0
host /mnt/plan9 9p rw,relatime 0 0
https://dav /mnt/dav fuse rw,relatime 0 0
https://dav /mnt/dav davfs rw,relatime 0 0
//server/share /mnt/with\040space cifs rw,relatime 0 0
cut off
"""


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the mount table of the kernel."""
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mounts").write_bytes(MOUNTS)
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))


@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/data", "ext4"),
        ("/mnt/share", "nfs4"),
        ("/mnt/share/data", "nfs4"),
        ("/mnt/shared", "ext4"),
        ("/mnt/share/local/data", "tmpfs"),
        ("/mnt/virtual/data", "virtiofs"),
        ("/mnt/plan9/data", "9p"),
        ("/mnt/dav/data", "davfs"),  # the later of two mounts at one place
        ("/mnt/with space/data", "cifs"),
    ],
)
def test_the_file_system_of_a_path(path: str, expected: str) -> None:
    assert find_file_system(Path(path)) == expected


@pytest.mark.usefixtures("mounts")
def test_a_symbolic_link_is_resolved(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/mnt/share/data")
    assert find_file_system(tmp_path) == "ext4"
    assert find_file_system(link) == "nfs4"


def test_an_unknown_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "missing"))
    assert find_file_system(tmp_path) is None
    with lock_database(tmp_path / "rnn.sqlite3"):
        pass


@pytest.mark.usefixtures("mounts")
def test_a_network_file_system_is_rejected() -> None:
    settings = Settings(data_dir=Path("/mnt/share/data"))
    with pytest.raises(StartError, match=r"system \(nfs4\).*RNN_DATABASE_URL"):
        prepare_directory(settings)


def test_the_data_directory_is_created_with_its_parents(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "a" / "b")
    prepare_directory(settings)
    prepare_directory(settings)
    (spare,) = settings.data_dir.iterdir()
    assert spare.stat().st_size == SPARE_BYTES


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_spare_file_makes_space_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    settings = Settings(data_dir=tmp_path)
    prepare_directory(settings)
    monkeypatch.setattr(tempfile, "TemporaryFile", Mock(side_effect=OSError(code, "full")))
    prepare_directory(settings)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StartError, match=r"cannot write to the data directory .* full"):
        prepare_directory(settings)


def test_a_nearly_full_disk_gets_no_spare_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=NEEDED_BYTES)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    prepare_directory(Settings(data_dir=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_second_server_is_rejected_until_the_first_one_ends(tmp_path: Path) -> None:
    file = tmp_path / "rnn.sqlite3"
    for _ in range(2):
        with lock_database(file):
            with pytest.raises(StartError, match="another process"), lock_database(file):
                pass
            with lock_database(tmp_path / "other.sqlite3"):
                pass


def test_a_hard_link_to_a_database_is_rejected_while_it_exists(tmp_path: Path) -> None:
    file, link = tmp_path / "rnn.sqlite3", tmp_path / "other" / "rnn.sqlite3"
    file.touch()
    link.parent.mkdir()
    with lock_database(file):
        link.hardlink_to(file)
        with pytest.raises(StartError, match=r"hard links"), lock_database(link):
            pass
    link.unlink()
    with lock_database(file):
        pass


def test_symbolic_links_to_a_locked_database_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "directory").symlink_to(tmp_path / "real")
    (tmp_path / "file.db").symlink_to(tmp_path / "real" / "rnn.sqlite3")
    with lock_database(tmp_path / "real" / "rnn.sqlite3"):
        for other in (tmp_path / "file.db", tmp_path / "directory" / "rnn.sqlite3"):
            with pytest.raises(StartError, match="another process"), lock_database(other):
                pass
