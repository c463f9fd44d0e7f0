"""Find words of scripts/wording.txt in the prose: ``python -m scripts.wording``.

It searches documents, pages, messages, docstrings and comments, and fails if it finds one.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATTERNS = ROOT / "scripts" / "wording.txt"
SEARCHED = [
    *("service", "client", "docs", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("SECURITY.md", "openapi.md", "Makefile", "docker-compose.yml", "deploy"),
]
BINARY = {".png", ".gif", ".woff2", ".csv", ".npz"}
GAP = r'[\s#*/"|]+'  # between two words: also a line break in a comment or between two literals


def compile_patterns() -> re.Pattern[str]:
    """Return one expression for all patterns."""
    lines = PATTERNS.read_text(encoding="utf-8").splitlines()
    patterns = [line.replace(" ", GAP) for line in lines if line and not line.startswith("#")]
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)", re.IGNORECASE)


def find(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Yield the line, from 1, and the words of each match in a text."""
    for match in pattern.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split())


def main() -> int:
    """Print all matches; return 1 if there are any."""
    listed = subprocess.run(  # noqa: S603
        ["git", "ls-files", *SEARCHED],  # noqa: S607
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    pattern = compile_patterns()
    found = [
        f"{name}:{line}: {words}"
        for name in listed.splitlines()
        if Path(name).suffix not in BINARY and (ROOT / name).exists()
        for line, words in find((ROOT / name).read_text(encoding="utf-8"), pattern)
    ]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
