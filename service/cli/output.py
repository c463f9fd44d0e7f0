"""The file that a command writes, or its standard output."""

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import click

from service import store
from service.cli.options import is_standard
from service.operations.shared.downloads import Download, Picture


def to_csv(columns: Mapping[str, Sequence[Any]]) -> Download:
    """Return a table of numbers and texts as a file."""

    def write(file: BinaryIO) -> None:
        table = io.StringIO()
        writer = csv.writer(table)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        file.write(table.getvalue().encode())  # at once: its reader may be head

    return Download("", 0.0, write)


def save(path: Path, contents: Download | Picture, database: "store.Database") -> None:
    """Write a file, and report it on standard error."""
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
