"""Numbers, tables and examples for a terminal."""

from collections.abc import Sequence
from typing import Any


def format_example(line: str) -> str:
    """Return the last part of the help of a command: a command line that works."""
    return f"\b\nExample:\n  {line}"


def format_number(value: Any) -> str:
    """Return six digits of a number, a dash for null, and texts as they are."""
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def format_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return rows under the names of their columns, texts to the left and numbers to the right."""
    texts = [columns, *([format_number(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    is_text = [isinstance(value, str) for value in rows[0]] if rows else []
    lines = []
    for row in texts:
        cells = zip(row, widths, is_text, strict=True)
        padded = (cell.ljust(width) if left else cell.rjust(width) for cell, width, left in cells)
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)
