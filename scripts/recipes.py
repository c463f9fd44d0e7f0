"""Run the commands in docs/recipes and write their output: ``python -m scripts.recipes``."""

import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from service.cli import main

ROOT = Path(__file__).parents[1]
RECIPES = ROOT / "docs" / "recipes"
# A block of commands, and the block of their output.
BLOCKS = re.compile(r"(?<=```sh\n)(.*?)(```\n\n```text\n)(.*?)(?=```)", re.DOTALL)


def pages() -> list[Path]:
    """Return the pages with commands."""
    return [page for page in sorted(RECIPES.glob("*.md")) if BLOCKS.search(page.read_text())]


def run_command(line: str) -> str:
    """Return the output of a command of a page, in a copy of this repository."""
    program, *arguments = shlex.split(line)
    printed = io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(printed):
        if program != "linear-rnn" or main(arguments):
            raise RuntimeError(line)
    return printed.getvalue()


def commands(block: str) -> Iterator[str]:
    """Yield the commands of a block."""
    yield from block.replace("\\\n", " ").splitlines()


def write_output(block: re.Match[str]) -> str:
    """Return a block of commands and their output."""
    texts = [run_command(line).strip("\n") for line in commands(block[1])]
    joined = "\n\n".join(texts)
    return f"{block[1]}{block[2]}{joined}\n"


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for page in pages():
        page.write_text(BLOCKS.sub(write_output, page.read_text()), encoding="utf-8")
