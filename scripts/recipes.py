"""Run the code in docs/recipes and write its output: ``python -m scripts.recipes``."""

import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from linear_rnn._service import start_service
from service.cli import main

ROOT = Path(__file__).parents[1]
RECIPES = ROOT / "docs" / "recipes"
# A block of commands or of Python, and the block of its output, if there is one.
BLOCKS = re.compile(r"```(sh|python)\n(.*?)```(?:(\n\n```text\n)(.*?)```)?", re.DOTALL)


def pages() -> list[Path]:
    """Return the pages with code, except that of scikit-learn, which few have installed."""
    texts = {page: page.read_text(encoding="utf-8") for page in sorted(RECIPES.glob("*.md"))}
    return [page for page, text in texts.items() if BLOCKS.search(text) and "sklearn" not in text]


def run_command(line: str) -> str:
    """Return the output of a command of a page, in a copy of this repository."""
    program, *arguments = shlex.split(line)
    printed = io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(printed):
        if program != "linear-rnn" or main(arguments):
            raise RuntimeError(line)
    return printed.getvalue()


def run_block(language: str, code: str, names: dict[str, Any]) -> str:
    """Return the output of a block, in a copy of this repository.

    Parameters
    ----------
    language
        sh or python.
    code
        The commands, or Python, which needs a service at LINEAR_RNN_URL.
    names
        The names that earlier blocks of Python on the page have defined, to which this one adds.

    Returns
    -------
    str
        The printed lines, with an empty line between the outputs of commands.
    """
    if language == "sh":
        return "\n\n".join(run_command(line).strip("\n") for line in commands(code)) + "\n"
    printed = io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(printed):
        exec(compile(code, "recipe", "exec"), names)  # noqa: S102
    return re.sub(" +$", "", printed.getvalue(), flags=re.MULTILINE)


def commands(block: str) -> Iterator[str]:
    """Yield the commands of a block."""
    yield from block.replace("\\\n", " ").splitlines()


def write_outputs(text: str) -> str:
    """Return a page with the output of its blocks."""
    names: dict[str, Any] = {}

    def write_output(block: re.Match[str]) -> str:
        language, code, between, _ = block.groups()
        printed = run_block(language, code, names)
        return f"```{language}\n{code}```" + (f"{between}{printed}```" if between else "")

    return BLOCKS.sub(write_output, text)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    service = start_service(None)
    os.environ["LINEAR_RNN_URL"] = service.url
    os.environ["LINEAR_RNN_API_KEY"] = service.key
    try:
        for page in pages():
            page.write_text(write_outputs(page.read_text(encoding="utf-8")), encoding="utf-8")
    finally:
        service.stop()
