"""One `serve`, on a local disk."""

from pathlib import Path

import pytest

from service.jobs import premises
from service.jobs.premises import PremisesError, alone, file_system

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:40 / /mnt/share rw,relatime shared:2 - nfs4 server:/export rw
31 30 0:41 / /mnt/share/local rw - tmpfs tmpfs rw
32 22 0:42 / /mnt/with\\040space rw master:3 - cifs //server/share rw
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
    ],
)
def test_the_file_system_of_a_path(tmp_path: Path, path: str, expected: str) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    assert file_system(Path(path), tmp_path / "mountinfo") == expected


def test_where_nothing_tells_nothing_is_refused(tmp_path: Path) -> None:
    assert file_system(tmp_path, tmp_path / "missing") is None


def test_this_machine_tells(tmp_path: Path) -> None:
    assert file_system(tmp_path) not in {*premises.REMOTE, ""}


def test_a_network_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(premises, "file_system", lambda _: "nfs4")
    with (
        pytest.raises(PremisesError, match=r"network disk \(nfs4\).*RNN_DATABASE_URL"),
        alone(tmp_path / "rnn.sqlite3"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_second_one_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "rnn.sqlite3"
    for _ in range(2):
        with alone(file):
            with pytest.raises(PremisesError, match="another process"), alone(file):
                pass
            with alone(tmp_path / "other.sqlite3"):
                pass


def test_a_directory_that_is_missing_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PremisesError, match="No such file"), alone(tmp_path / "a" / "b"):
        pass
