"""The file that a command writes, or its standard output."""

import errno
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from os.path import samestat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from service.operations.shared.downloads import Download, Picture
    from service.store.database import Database


def is_standard(out: Path | None) -> bool:
    """Return True for the standard output: ``-``, or ``-.png`` for a picture."""
    return out is not None and out.stem == "-"


def check_output(suffixes: Sequence[str], params: Mapping[str, Any]) -> str:
    """Return the suffix of the file to write, that of a table for the standard output.

    Raises an error for a file that cannot be written, before the work for it.
    """
    out: Path | None = params.get("out")
    data = params.get("data")
    if out is None:
        return ""
    if params.get("by") is not None:  # one table
        suffixes = suffixes[-1:]
    suffix = suffixes[-1] if out.name == "-" else out.suffix[1:]
    if suffix not in suffixes:
        raise click.UsageError(f"--out: {out} must end in {' or '.join(suffixes)}")
    if is_standard(out):
        return suffix
    is_new = not out.exists()
    if not out.parent.is_dir():
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(out))
    if not os.access(out.parent if is_new else out, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(out))
    if data is not None and not is_new and samestat(os.fstat(data.fileno()), out.stat()):
        raise click.UsageError(f"--out: {out} is the file of data, which would be overwritten")
    return suffix


def save(path: Path, contents: "Download | Picture", database: "Database") -> None:
    """Write a file, and report it on standard error."""
    from service.operations.shared.downloads import Download

    try:
        with nullcontext(sys.stdout.buffer) if is_standard(path) else path.open("wb") as file:
            if isinstance(contents, Download):
                contents.write(file)
            else:
                from service.rendering.draw import draw

                file.write(draw(contents.prepare(database)).contents)
    except OSError as error:
        names = () if is_standard(path) else (str(path),)
        raise OSError(error.errno, error.strerror, *names) from None
    if not is_standard(path):
        click.echo(f"wrote {path}", err=True)
