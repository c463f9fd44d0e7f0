"""Checks that SQLite requires: a local disk, and only one `serve` per database."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

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


class DataDirectoryError(Exception):
    """The data directory cannot be used. The message is one line that names it."""


def check_local_disk(file: Path) -> None:
    """Reject an SQLite database on a network file system.

    Raises
    ------
    DataDirectoryError
        The file is on a network file system.
    """
    file_system = find_file_system(file.resolve().parent)
    if file_system in NETWORK_FILE_SYSTEMS:
        raise DataDirectoryError(
            f"the data directory {file.parent} is on a network file system ({file_system}), where "
            "SQLite may lose data: use a local disk, or PostgreSQL (RNN_DATABASE_URL)"
        )


@contextmanager
def lock_database(file: Path) -> Iterator[None]:
    """Lock an SQLite database for one `serve`. The lock is released when the process dies.

    The lock file is beside the database itself, so symbolic links to the database share it.

    Raises
    ------
    DataDirectoryError
        Another process serves the database, or it is on a network file system.
    """
    file = file.resolve()
    check_local_disk(file)
    try:
        descriptor = os.open(file.with_name(f"{file.name}.serve"), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DataDirectoryError(f"cannot write to {file.parent}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.read(descriptor, 20).decode("ascii", "replace").strip()
            raise DataDirectoryError(
                f"the data directory {file.parent} is being served by another process ({pid}): "
                "stop it, or use PostgreSQL (RNN_DATABASE_URL)"
            ) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def find_file_system(path: Path) -> str | None:
    """Return the type of the file system that contains a path; None if it is unknown."""
    try:
        partitions = psutil.disk_partitions(all=True)
    except OSError:
        return None
    resolved = path.resolve()
    found: tuple[int, str] | None = None
    for partition in partitions:
        # The C library decodes the other escapes of the mount table.
        mount_point = Path(partition.mountpoint.replace("\\043", "#"))
        contains_path = resolved.is_relative_to(mount_point)
        depth = len(mount_point.parts)
        if contains_path and (found is None or depth >= found[0]):  # a later mount covers
            found = depth, partition.fstype
    return None if found is None else found[1]
