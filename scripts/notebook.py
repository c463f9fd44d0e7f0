"""Run docs/recipes/tutorial.ipynb and write its outputs: ``python -m scripts.notebook``."""

import ast
import base64
import contextlib
import io
import json
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[1] / "docs/recipes/tutorial.ipynb"


def run_cells(notebook: dict[str, Any]) -> None:
    """Run all cells of code in one namespace, and replace their outputs."""
    names: dict[str, Any] = {}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for count, cell in enumerate(cells, 1):
        cell["execution_count"] = count
        cell["outputs"] = _run_cell("".join(cell["source"]), count, names)


def _run_cell(source: str, count: int, names: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a cell, and return its printed text and the value of its last expression."""
    module = ast.parse(source)
    last = module.body.pop() if isinstance(module.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(module, "cell", "exec"), names)  # noqa: S102
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        text = printed.getvalue().splitlines(keepends=True)
        outputs.append({"output_type": "stream", "name": "stdout", "text": text})
    if value is not None:
        data: dict[str, Any] = {"text/plain": repr(value).splitlines(keepends=True)}
        picture = getattr(value, "_repr_png_", lambda: None)()
        if picture is not None:
            data["image/png"] = base64.b64encode(picture).decode()
        result = {"output_type": "execute_result", "execution_count": count}
        outputs.append({**result, "metadata": {}, "data": data})
    return outputs


if __name__ == "__main__":
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    run_cells(notebook)
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
