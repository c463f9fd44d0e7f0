"""The synchronous client, from the asynchronous one."""

import re
from pathlib import Path
from typing import Final

HEADER = "# Generated from _async by `make openapi`: do not edit.\n"

REPLACEMENTS: Final = [
    (r"^from asyncio import sleep$", "from time import sleep"),
    (r"\bawait to_thread\(([\w.]+)(?:, )?", r"\1("),
    (r"^from asyncio import to_thread\n", ""),
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\b_async\b", "_sync"),
    (r"\bAsync([A-Z])", r"\1"),
    (r"\b__a(enter|exit|iter)__", r"__\1__"),
    (r"\ba(close|iter_lines)\b", r"\1"),
    (r", asynchronous\b.*", '."""'),
]


def synchronous(source: str) -> str:
    """Return asynchronous code with blocking calls instead of awaited ones."""
    for pattern, replacement in REPLACEMENTS:
        source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
    return HEADER + source


def sync_sources(package: Path) -> dict[Path, str]:
    """Return the modules of the synchronous client by their paths."""
    return {
        package / "_sync" / file.name: synchronous(file.read_text(encoding="utf-8"))
        for file in sorted((package / "_async").glob("*.py"))
    }
