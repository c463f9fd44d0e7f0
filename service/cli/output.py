"""The file that a command writes, or its standard output."""

import csv
import errno
import io
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from os.path import samestat
from pathlib import Path
from typing import Any, BinaryIO

import click

from service.operations.shared.context import Context
from service.operations.shared.downloads import Download, Picture


def to_csv(columns: Mapping[str, Sequence[Any]]) -> Download:
    """Return a table of numbers and texts as a file."""

    def write(file: BinaryIO) -> None:
        table = io.StringIO()
        writer = csv.writer(table)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        file.write(table.getvalue().encode())

    return Download("", 0.0, write)


def find_suffix(out: Path, suffixes: Sequence[str]) -> str:
    """Return the suffix of a file to write; that of a table for the standard output."""
    return suffixes[-1] if out.name == "-" else out.suffix[1:]


def is_standard(out: Path | None) -> bool:
    """Return True for the standard output: ``-``, or ``-.png`` for a picture."""
    return out is not None and out.stem == "-"


def check_output(out: Path, suffixes: Sequence[str], data: BinaryIO | None) -> None:
    """Raise an error for a file that cannot be written, before the work for it."""
    if find_suffix(out, suffixes) not in suffixes:
        raise click.UsageError(f"--out: {out} must end in {' or '.join(suffixes)}")
    if is_standard(out):
        return
    is_new = not out.exists()
    if not out.parent.is_dir():
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(out))
    if not os.access(out.parent if is_new else out, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(out))
    if data is not None and not is_new and samestat(os.fstat(data.fileno()), out.stat()):
        raise click.UsageError(f"--out: {out} is the file of data, which would be overwritten")


def save(path: Path, contents: Download | Picture, session: Context) -> None:
    """Write a file, and report it on standard error."""
    try:
        with nullcontext(sys.stdout.buffer) if is_standard(path) else path.open("wb") as file:
            if isinstance(contents, Download):
                contents.write(file)
            else:
                from service.rendering.draw import draw

                file.write(draw(contents.prepare(session.database)).contents)
    except OSError as error:
        names = () if is_standard(path) else (str(path),)
        raise OSError(error.errno, error.strerror, *names) from None
    if not is_standard(path):
        click.echo(f"wrote {path}", err=True)
