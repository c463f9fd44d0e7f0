"""A script: convert a sheet of a workbook on the standard input to lines of fields between tabs.

It runs in a separate process, because a small workbook can need any amount of memory. The first
line of the output is a JSON object with the names of the sheets, and of the one that was read. The
last line of the errors is the CPU time in seconds.
"""

import atexit
import io
import json
import resource
import sys
from datetime import date, time
from itertools import islice
from time import process_time
from typing import Any

import python_calamine

N_FIRST = 50  # rows in which numbers are looked for


def main(memory_bytes: int, seconds: int, max_bytes: int, sheet: str = "") -> None:
    """Write the sheet, or the one that is most likely a table, within limits."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, hard))
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
    names = book.sheet_names
    rows: Any = []
    found, highest = sheet, -1
    for name in [sheet] if sheet in names else names if not sheet else []:
        table = book.get_sheet_by_name(name)
        # Every cell from the first row and column on takes a byte, also if it is empty.
        n_rows, n_columns = table.total_height + 1, table.total_width + 1
        if n_rows * n_columns > max_bytes:
            message = f"the sheet {name[:40]!r} ends at row {n_rows} and column {n_columns}"
            raise MemoryError(message)
        rank = (table.height > 1) + _has_numbers(table)
        if rank > highest:
            found, rows, highest = name, table.iter_rows(), rank
        if rank == 2:
            break
    head = json.dumps({"sheets": names, "sheet": found}) + "\n"
    sys.stdout.buffer.write(head.encode())
    n_bytes = 0
    for row in rows:
        line = ("\t".join(map(_to_text, row)) + "\n").encode()
        n_bytes += len(line)
        if n_bytes > max_bytes:
            raise MemoryError
        sys.stdout.buffer.write(line)


def _has_numbers(table: Any) -> bool:
    """Return True if at least two of the first rows have a number."""
    first = islice(table.iter_rows(), N_FIRST)
    return sum(any(type(cell) in {int, float} for cell in row) for row in first) > 1


def _to_text(cell: Any) -> str:
    """Return a cell as a field: numbers with a decimal point, and dates in ISO 8601."""
    if isinstance(cell, str):
        return " ".join(cell.replace('"', "'").split())
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, (date, time)) else str(cell)


if __name__ == "__main__":
    atexit.register(lambda: print(process_time(), file=sys.stderr))
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
