"""Run the code in docs/recipes and similar pages, and write its output: ``make recipes``."""

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from service.cli import main

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
RECIPES = DOCS / "recipes"
# A block of code, and the block of its output, if there is one.
BLOCKS = re.compile(r"```(sh|python|js|r)\n(.*?)```(?:(\n\n```text\n)(.*?)```)?", re.DOTALL)
INTERPRETERS = {"js": ["node", "--input-type=module", "-"], "r": ["Rscript", "--vanilla", "-"]}


def pages() -> list[Path]:
    """Return the pages with code, except that of scikit-learn, which few have installed."""
    files = [DOCS / "start.md", *DOCS.glob("comparisons/*.md"), *RECIPES.glob("*.md")]
    texts = {page: page.read_text(encoding="utf-8") for page in sorted(files)}
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
        sh, python, js or r.
    code
        The commands, or a program, which needs a service at LINEAR_RNN_URL.
    names
        The names that earlier blocks of Python on the page have defined, to which this one adds.

    Returns
    -------
    str
        The printed lines, with an empty line between the outputs of commands.
    """
    if language == "sh":
        return "\n\n".join(run_command(line).strip("\n") for line in commands(code)) + "\n"
    if language in INTERPRETERS:
        printed = run_program(INTERPRETERS[language], code)
    else:
        output = io.StringIO()
        with contextlib.chdir(ROOT), contextlib.redirect_stdout(output):
            exec(compile(code, "recipe", "exec"), names)  # noqa: S102
        printed = output.getvalue()
    return re.sub(" +$", "", printed, flags=re.MULTILINE)


def run_program(interpreter: list[str], code: str) -> str:
    """Return the output of a program, in a copy of this repository."""
    return subprocess.run(  # noqa: S603 - the code of a page
        interpreter,
        input=code,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        check=True,
        timeout=120.0,
    ).stdout


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
    command = [sys.executable, "-m", "service", "serve", "--port", "0", "--until-stdin-closes"]
    service: Any = subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with service:
        os.environ["LINEAR_RNN_URL"] = json.loads(service.stdout.readline())["url"]
        for page in pages():
            page.write_text(write_outputs(page.read_text(encoding="utf-8")), encoding="utf-8")
        service.stdin.close()
