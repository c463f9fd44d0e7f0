"""The text of tables: encodings, compressed files, workbooks, and files that are no tables."""

import codecs
import gzip
import io
import json
import math
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import BinaryIO, Final, NamedTuple, TypeAlias

from service.engine.interruption import check_interruption
from service.errors import Invalid, LimitExceeded, Malformed
from service.formats.base import SizeLimits
from service.values.budget import remaining_seconds, spend
from service.values.numbers import is_number

MAX_FIELD: Final = 100  # characters of a field, averaged over the longest row
MAX_TEXT: Final = 64 * 1024**2  # bytes of a table that was compressed, as those of a body
SHEET_MEMORY: Final = 1024**3  # bytes of the process that reads a workbook
SHEET_SECONDS: Final = 10  # of its CPU time
POLL_SECONDS: Final = 0.2
SCRIPT: Final = Path(__file__).with_name("convert_sheet.py")

UTF_8: Final = "utf-8"
WINDOWS: Final = "windows-1252"
PIECE: Final = 1 << 20  # bytes decoded at a time
CHECKED: Final = 1000  # lines read at a time
# Bytes that no text in Windows-1252 contains.
CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f\x81\x8d\x8f\x90\x9d]")
GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK"
WORKBOOK: Final = b"xl/workbook"  # in the directory of an archive
AS_TEXT: Final = "; save the table as CSV or xlsx, or paste its cells"
NO_TABLES: Final = {
    b"\xd0\xcf\x11\xe0": "this is an Excel file of the format before 2007 (xls)",
    b"%PDF": "this is a PDF document",
    b"\x89PNG": "this is a picture (PNG)",
    b"\xff\xd8\xff": "this is a picture (JPEG)",
    b"PAR1": "this is a Parquet file",
    b"<": "this is a web page or XML",
    b"{": "this is JSON or JSON lines, not a table",
    b"[{": "this is JSON, not a table",
    ZIP: "this is a zip archive without a table",
}
OPEN_DOCUMENT: Final = b"application/vnd.oasis.opendocument"

# The number of a line, from 1, and its text.
Line: TypeAlias = tuple[int, str]


class Text(NamedTuple):
    """The lines of a table, and where they were found."""

    body: bytes
    encoding: str | None  # None for a sheet
    sheet: str | None = None
    sheets: tuple[str, ...] = ()

    def lines(self, limits: SizeLimits, skip: int = 0) -> Iterator[Line]:
        """Yield the lines that are not blank; raises Malformed and LimitExceeded.

        ``skip`` is the number of lines at the top that are left out.
        """
        longest = MAX_FIELD * (limits.max_steps + 1)
        encoding = "utf-8-sig" if self.encoding in {None, UTF_8} else self.encoding
        try:
            for number, line in enumerate(io.TextIOWrapper(io.BytesIO(self.body), encoding), 1):
                if len(line) > longest:
                    detail = f"line {number} has {len(line)} characters; the limit is {longest}"
                    raise LimitExceeded(
                        detail, "/dataset", line=number, limit=longest, needed=len(line)
                    )
                if number % CHECKED == 0:
                    check_interruption()
                if number > skip and not line.isspace():
                    yield number, line.rstrip("\n")
        except UnicodeError as error:
            detail = f"the table is not {self.encoding}: {str(error)[-80:]} (encoding=…)"
            raise Malformed(detail) from None


def open_text(body: bytes, encoding: str | None = None, sheet: str | None = None) -> Text:
    """Return the text of a file, compressed or not, or of a workbook.

    It raises Malformed, Invalid and LimitExceeded.
    """
    if body.startswith(GZIP):
        body = _unpack(body)
    if is_workbook(body):
        return _read_sheet(body, sheet)
    if sheet is not None:
        raise Invalid("sheet applies to workbooks (xlsx)", parameter="sheet")
    start = body.lstrip()
    for mark, what in NO_TABLES.items():
        if start.startswith(mark):
            is_open_document = OPEN_DOCUMENT in body[:200]
            raise Malformed(
                ("this is an OpenDocument file (ods)" if is_open_document else what) + AS_TEXT
            )
    return Text(body, encoding or _find_encoding(body))


def is_workbook(body: bytes) -> bool:
    """Return True for a workbook (xlsx)."""
    return body.startswith(ZIP) and WORKBOOK in body


def _unpack(body: bytes) -> bytes:
    try:
        text = gzip.GzipFile(fileobj=io.BytesIO(body)).read(MAX_TEXT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Malformed(f"the compressed file is damaged: {str(error)[:80]}") from None
    if len(text) > MAX_TEXT:
        raise LimitExceeded(f"the table has more than {MAX_TEXT} bytes", "", limit=MAX_TEXT)
    return text


def _find_encoding(body: bytes) -> str:
    """Return the encoding of text without a declared one; raises Malformed."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    decoder = codecs.getincrementaldecoder(UTF_8)()
    try:
        for start in range(0, len(body), PIECE):
            check_interruption()
            decoder.decode(body[start : start + PIECE], start + PIECE >= len(body))
    except UnicodeDecodeError as error:
        if CONTROL.search(body) is not None:
            detail = f"the file is not text in UTF-8, UTF-16 or Windows-1252: {error.reason}"
            raise Malformed(detail + AS_TEXT) from None
        return WINDOWS
    return UTF_8


def _read_sheet(body: bytes, sheet: str | None) -> Text:
    """Return a sheet of a workbook as lines of fields between tabs; raises errors of formats."""
    seconds = math.ceil(min(SHEET_SECONDS, max(remaining_seconds(), 0.0)))
    limits = [str(limit) for limit in (SHEET_MEMORY, seconds, MAX_TEXT)]
    command = [sys.executable, "-I", str(SCRIPT), *limits, *([] if sheet is None else [sheet])]
    pipe = subprocess.PIPE
    start, errors = monotonic(), b""
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:  # noqa: S603
        try:
            output, errors = _wait(process, body)
        except BaseException:
            process.kill()
            raise
        finally:
            traceback, _, last = errors.decode(errors="replace").strip().rpartition("\n")
            # A process that was killed does not report its CPU time.
            spend(float(last) if is_number(last) else min(monotonic() - start, seconds))
    if process.returncode:
        reason = traceback.strip().rpartition("\n")[2]
        if "MemoryError: " in reason:
            detail = f"{reason.partition(': ')[2]}; delete the cells far from the table"
            raise LimitExceeded(detail, "", limit=MAX_TEXT)
        if process.returncode < 0 or "MemoryError" in reason:
            detail = f"the workbook needs more than {SHEET_MEMORY} bytes or {seconds} seconds"
            raise LimitExceeded(f"{detail}{AS_TEXT}", "", limit=SHEET_MEMORY)
        if "Password" in reason:
            raise Malformed(f"the workbook is encrypted{AS_TEXT}")
        raise Malformed(f"the workbook is damaged: {reason.rpartition(':')[2].strip()[:80]}")
    head, _, lines = output.partition(b"\n")
    found = json.loads(head)
    names = found["sheets"]
    if sheet is not None and sheet not in names:
        listed = ", ".join(name[:40] for name in names[:20])
        detail = f"there is no sheet {sheet[:40]!r}. The sheets are {listed}"
        raise Invalid(detail, parameter="sheet", known=names[:100])
    return Text(lines, None, found["sheet"], tuple(names))


def _wait(process: subprocess.Popen[bytes], body: bytes) -> tuple[bytes, bytes]:
    """Return the output and the errors of a process that reads a body."""
    # After a timeout, `communicate` would send no more of its input.
    Thread(target=_send, args=(process.stdin, body)).start()
    process.stdin = None
    while True:
        try:
            return process.communicate(timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            check_interruption()


def _send(file: BinaryIO, body: bytes) -> None:
    """Write a body and close the file; it ends when the process that reads it ends."""
    with suppress(BrokenPipeError), file:
        file.write(body)
