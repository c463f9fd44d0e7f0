"""The synchronous client, from the asynchronous one."""

import re
from pathlib import Path
from typing import Final

HEADER = "# Built from _async by `make build`: do not edit.\n"

# Methods of asynchronous results that are properties of the others.
LOADED: Final = "arrays|contributions|group_table|outcomes|residuals|response|table|trajectory"

AWAITED: Final = "(await "

REPLACEMENTS: Final = [
    (rf"^    async def ({LOADED})\(self\)", r"    @property\n    def \1(self)"),
    (rf"\.({LOADED})\(\)", r".\1"),
    (r"\b_html\b", "_repr_html_"),
    (r"^    async def count\(self\)", "    def __len__(self)"),
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
    source = _without_parentheses(source)
    for pattern, replacement in REPLACEMENTS:
        source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
    return HEADER + source


def _without_parentheses(source: str) -> str:
    """Return code without the parentheses around awaited expressions, which `await` requires."""
    start = source.rfind(AWAITED)
    while start >= 0:
        depth, end = 1, start + 1
        while depth:
            depth += {"(": 1, ")": -1}.get(source[end], 0)
            end += 1
        inner = source[start + len(AWAITED) : end - 1]
        is_call = source[start - 1].isalnum()
        source = source[:start] + (f"({inner})" if is_call else inner) + source[end:]
        start = source.rfind(AWAITED, 0, start)
    return source


def sync_sources(package: Path) -> dict[Path, str]:
    """Return the modules of the synchronous client by their paths."""
    return {
        package / "_sync" / file.name: synchronous(file.read_text(encoding="utf-8"))
        for file in sorted((package / "_async").glob("*.py"))
    }
