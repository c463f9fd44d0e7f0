"""Functions and docstrings of the source: their length, their statements and their entries."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "service"
ENGINE = SERVICE / "engine"
FOLDERS = (SERVICE, ROOT / "client" / "linear_rnn", ROOT / "scripts", ROOT / "benchmarks")

MAX_LINES = 40  # of a function, without its docstring

PLAIN = (ast.Name, ast.Attribute, ast.Constant)  # values that are not computed

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function

OPENING = re.compile(r"(What|Who|Whose|Whether)\b")
ENTRY = re.compile(r"(\S.*)\n((?: .*\n|\n)*)")


def find_tuple_assignments(tree: ast.AST) -> Iterator[str]:
    """Yield the lines of assignments of several values to several targets that compute one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            computes = any(not isinstance(value, PLAIN) for value in node.value.elts)
            if computes and any(isinstance(target, ast.Tuple) for target in node.targets):
                yield f"line {node.lineno}"


def find_long_functions(tree: ast.AST) -> Iterator[str]:
    """Yield the names and sizes of functions that do not fit a screen."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            has_docstring = ast.get_docstring(node) is not None
            size = lines_of(node) - (lines_of(node.body[0]) if has_docstring else 0)
            if size > MAX_LINES:
                yield f"{node.name}: {size} lines"


def lines_of(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the docstrings of modules, classes, functions and attributes, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, text


def find_openings(tree: ast.AST) -> Iterator[str]:
    """Yield the first words of docstrings that open with neither a noun nor a verb."""
    for line, text in docstrings(tree):
        if OPENING.match(text):
            yield f"line {line}: {text.splitlines()[0]}"


def find_bare_entries(tree: ast.AST) -> Iterator[str]:
    """Yield the entries of Parameters and Returns that have a name or a shape only."""
    for line, text in docstrings(tree):
        for section in re.split(r"\n(?=\w+\n-+\n)", text):
            title, *body = section.split("\n", 2)
            if title not in {"Parameters", "Returns"} or len(body) < 2:
                continue
            for name, clause in ENTRY.findall(f"{body[1]}\n"):
                if not clause.strip():
                    yield f"line {line}: {title}: {name}"


Finder = Callable[[ast.AST], Iterator[str]]


def problems(find: Finder, *folders: Path) -> list[str]:
    """Return what is found in the modules below some folders."""
    paths = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return [
        f"{path.relative_to(ROOT)}: {found}"
        for path in paths
        for found in find(ast.parse(path.read_text(encoding="utf8")))
    ]


def test_an_assignment_computes_one_value() -> None:
    assert problems(find_tuple_assignments, ENGINE) == []


def test_functions_fit_a_screen() -> None:
    assert problems(find_long_functions, SERVICE) == []


def test_docstrings_open_with_a_noun_or_a_verb() -> None:
    assert problems(find_openings, *FOLDERS) == []


def test_entries_of_docstrings_have_a_clause() -> None:
    assert problems(find_bare_entries, ENGINE) == []


LONG_FUNCTION = 'def f():\n    """Return nothing."""\n' + "    pass\n" * MAX_LINES
BARE_ENTRY = '''
def f(x, y):
    """Return the sum.

    Parameters
    ----------
    x : (N,)
        The first term.
    y : (N,)

    Returns
    -------
    sum : (N,)
    """
'''


@pytest.mark.parametrize(
    ("find", "source", "expected"),
    [
        (find_tuple_assignments, "a, b = f(x), 2\nc, d = a, x.y", ["line 1"]),
        (find_long_functions, LONG_FUNCTION, ["f: 41 lines"]),
        (find_long_functions, LONG_FUNCTION.replace("    pass\n", "", 1), []),
        (find_openings, '"""Whether it works."""', ["line 1: Whether it works."]),
        (find_openings, 'class A:\n    """What it is."""', ["line 2: What it is."]),
        (find_openings, '"""True if it works."""', []),
        (
            find_bare_entries,
            BARE_ENTRY,
            ["line 3: Parameters: y : (N,)", "line 3: Returns: sum : (N,)"],
        ),
    ],
)
def test_a_planted_example_is_found(find: Finder, source: str, expected: list[str]) -> None:
    assert list(find(ast.parse(source))) == expected
