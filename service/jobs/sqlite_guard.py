"""SQLite means one machine, a local disk and one `serve`: what makes sure of that."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")
# File systems on which SQLite's locks and its write-ahead log do not hold. Not virtiofs
# and 9p: they are the disks of many a virtual machine or sandbox, where one kernel keeps locks and
# shared memory.
REMOTE: Final = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre"),
    *("gpfs", "beegfs", "ocfs2", "gfs2", "davfs", "fuse.davfs"),
    *("fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.cephfs", "fuse.ceph-fuse"),
    *("fuse.s3fs", "fuse.goofys", "fuse.rclone", "fuse.gcsfuse", "fuse.juicefs"),
    *("fuse.blobfuse", "fuse.blobfuse2"),
}
OCTAL: Final = re.compile(rb"\\([0-7]{3})")


class SqliteGuardError(Exception):
    """The data directory cannot be used; the message is one line that names it."""


def check_local(file: Path) -> None:
    """Refuse an SQLite database on a network disk; raises SqliteGuardError."""
    remote = file_system(file.resolve().parent)
    if remote in REMOTE:
        raise SqliteGuardError(
            f"the data directory {file.parent} is on a network disk ({remote}), where SQLite may "
            "lose data: use a local one, or PostgreSQL (RNN_DATABASE_URL)"
        )


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Hold an SQLite database for one `serve`; the lock goes when its process dies.

    It lies beside the file itself, whatever symbolic links lead there.

    Raises
    ------
    SqliteGuardError
        Another one serves it, or it lies on a network disk.
    """
    file = file.resolve()
    check_local(file)
    try:
        descriptor = os.open(file.with_name(f"{file.name}.serve"), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise SqliteGuardError(f"cannot write to {file.parent}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            other = os.read(descriptor, 20).decode("ascii", "replace").strip()
            raise SqliteGuardError(
                f"the data directory {file.parent} is being served by another process ({other}): "
                "stop that one, or use PostgreSQL (RNN_DATABASE_URL)"
            ) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the type of the file system that a path is on; None where that cannot be found out."""
    try:
        lines = os.fsdecode(mounts.read_bytes()).split("\n")
    except OSError:
        return None
    resolved = path.resolve()
    found: tuple[int, str] | None = None
    for line in lines:
        before, separator, after = line.partition(" - ")
        if not separator:
            continue
        point = _unescaped(before.split(" ")[4])
        inside = resolved == Path(point) or Path(point) in resolved.parents
        if inside and (found is None or len(point) >= found[0]):  # the last one mounted covers
            found = len(point), after.split(" ")[0]
    return None if found is None else found[1]


def _unescaped(point: str) -> str:
    """Decode a mount point: spaces and the like are octal there, all else is as it is."""
    plain = OCTAL.sub(lambda found: bytes([int(found[1], 8)]), os.fsencode(point))
    return os.fsdecode(plain)
