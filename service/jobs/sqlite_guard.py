"""Checks that SQLite requires: a local disk, and only one `serve` per database."""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from service.errors import StartError
from service.settings import Settings

# File systems on which the locks and the write-ahead log of SQLite are not reliable. virtiofs and
# 9p are not among them. They are the disks of many virtual machines and sandboxes, in which one
# kernel manages locks and shared memory.
NETWORK_FILE_SYSTEMS: Final = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre"),
    *("gpfs", "beegfs", "ocfs2", "gfs2", "davfs", "fuse.davfs"),
    *("fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.cephfs", "fuse.ceph-fuse"),
    *("fuse.s3fs", "fuse.goofys", "fuse.rclone", "fuse.gcsfuse", "fuse.juicefs"),
    *("fuse.blobfuse", "fuse.blobfuse2"),
}


# The space of a file that is deleted when a process starts on a full disk, where SQLite could not
# even create the shared memory of its log, with which it reads.
SPARE_BYTES: Final = 4 * 1024 * 1024
NEEDED_BYTES: Final = 8 * SPARE_BYTES  # on the disk to create it


def prepare_directory(settings: Settings) -> None:
    """Create the directory of an SQLite file if it is missing; raises StartError.

    It also creates a spare file, which is deleted if the disk is full.
    """
    if settings.sqlite_file is None:
        return
    directory = settings.sqlite_file.resolve().parent
    variable = "RNN_DATA_DIR" if settings.database_url is None else "RNN_DATABASE_URL"
    file_system = find_file_system(directory)
    if file_system in NETWORK_FILE_SYSTEMS:
        raise StartError(
            f"the data directory {directory} is on a network file system ({file_system}), where "
            "SQLite may lose data: use a local disk, or PostgreSQL (RNN_DATABASE_URL)"
        )
    spare = directory / f"{settings.sqlite_file.name}.spare"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as probe:
            probe.write(b"\0")
        if not spare.exists() and shutil.disk_usage(directory).free > NEEDED_BYTES:
            spare.write_bytes(bytes(SPARE_BYTES))
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT} and spare.exists():
            spare.unlink()
            return
        reason = error.strerror or type(error).__name__
        message = f"cannot write to the data directory {directory} ({variable}): {reason}"
        raise StartError(message) from None


@contextmanager
def lock_database(file: Path) -> Iterator[None]:
    """Lock an SQLite database for one `serve`. The lock is released when the process dies.

    The lock file is next to the database itself, so symbolic links to the database share it. Hard
    links do not, nor do they share the log of SQLite, which would damage the database. Raises
    StartError if another process serves the database, or could serve it through another name.
    """
    file = file.resolve()
    if file.exists() and file.stat().st_nlink > 1:
        raise StartError(
            f"the database {file} has other hard links, through which another process could use "
            "it: delete them, or copy the database"
        )
    with file.with_name(f"{file.name}.serve").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            pid = lock.read(20).strip()
            raise StartError(
                f"the data directory {file.parent} is being served by another process ({pid}): "
                "stop it, or use PostgreSQL (RNN_DATABASE_URL)"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def find_file_system(path: Path) -> str | None:
    """Return the type of the file system that contains a path; None if it is unknown."""
    try:
        partitions = psutil.disk_partitions(all=True)
    except OSError:
        return None
    # Of two mounts at one place, the later one is active. psutil decodes all escapes except this.
    types = {Path(part.mountpoint.replace("\\043", "#")): part.fstype for part in partitions}
    path = path.resolve()
    return next((types[place] for place in (path, *path.parents) if place in types), None)
