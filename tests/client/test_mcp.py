"""The tools for assistants, with the client of their protocol."""

import asyncio
import base64
import subprocess
import sys
from typing import Any

import mcp
import pytest

from linear_rnn._tools import _client, server

CSV = "day,dose,level\n" + "".join(
    f"2026-01-{day + 1:02},{day % 3},{1 + day % 3 + 4 * 0.5**day}\n" for day in range(30)
)


@pytest.fixture(autouse=True)
def service(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _client.cache_clear()
    monkeypatch.setenv("LINEAR_RNN_URL", url)


def call(name: str, **arguments: Any) -> tuple[bool, str, list[bytes]]:
    """Call a tool; return True if it failed, its text and its pictures."""

    async def ask() -> Any:
        async with mcp.Client(server) as client:
            return await client.call_tool(name, arguments)

    result = asyncio.run(ask())
    _client().close()
    texts = [part.text for part in result.content if part.type == "text"]
    pictures = [base64.b64decode(part.data) for part in result.content if part.type == "image"]
    assert sum(map(len, texts)) < 8000  # 2,000 tokens
    return bool(result.is_error), "\n".join(texts), pictures


def test_the_tools_are_described() -> None:
    async def ask() -> Any:
        async with mcp.Client(server) as client:
            return (await client.list_tools()).tools

    tools = {tool.name: tool.description for tool in asyncio.run(ask())}
    assert set(tools) == {"describe", "fit", "train", "optimum", "surface", "trace"}
    assert all(tools.values())


@pytest.mark.parametrize(
    ("name", "arguments", "text", "n_pictures"),
    [
        ("describe", {}, "adam: learning_rate=0.01", 0),
        ("fit", {"csv": CSV, "target": "level", "time": "day"}, "Time constant", 1),
        ("train", {"optimizer": "adam", "n_iterations": 7}, "iterations_exhausted after 7", 1),
        ("optimum", {}, "w_in 1, w_rec 1, cost 0", 0),
        ("surface", {"w_in": [0, 2]}, "25 × 25 cells", 1),
        ("trace", {"points": [[1, 2], [1, 0.5]]}, "(1, 2) exploding, (1, 0.5) vanishing", 1),
    ],
)
def test_a_tool_answers(name: str, arguments: Any, text: str, n_pictures: int) -> None:
    failed, answer, pictures = call(name, **arguments)
    assert not failed, answer
    assert text in answer
    assert len(pictures) == n_pictures
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("fit", {"csv": CSV, "target": "levels"}, "levels"),
        ("train", {"optimizer": "adm"}, "did you mean `adam`?"),
        ("train", {"optimiser": "adam"}, "did you mean 'optimizer'?"),
        ("surface", {"w_in": [2, 1]}, "low"),
    ],
)
def test_an_error_says_what_to_change(name: str, arguments: Any, text: str) -> None:
    failed, answer, pictures = call(name, **arguments)
    assert failed
    assert text in answer
    assert pictures == []


def test_without_its_packages_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['mcp'] = None; from linear_rnn.mcp import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(
        "`pip install './client[mcp]'` in a copy of the repository installs it\n"
    )
    assert done.stderr.count("\n") == 1
