"""The import, the coverage of the API, and the examples of the documentation."""

import ast
import doctest
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import httpx
import pytest

import linear_rnn
from linear_rnn import AsyncClient, Client, types
from linear_rnn._requests import TableOptions
from linear_rnn._sync import client, pictures, results
from tests.programs import run_program

COLUMNS = {"target", "inputs", "sequence", "time"}
OF_THE_CLIENT = {"wait", "keep", "progress", *COLUMNS, *TableOptions.__annotations__}


def test_no_module_imports_itself_through_others() -> None:
    package = Path(linear_rnn.__file__).parent
    files = {
        ".".join(path.relative_to(package.parent).with_suffix("").parts): path
        for path in package.rglob("*.py")
    }
    files = {name.removesuffix(".__init__"): path for name, path in files.items()}
    graph: dict[str, set[str]] = {}
    for module, path in files.items():
        graph[module] = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module in files:
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                graph[module] |= (names & files.keys()) or {node.module}
    assert len(graph) > 20
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_results_requests_and_options_are_public() -> None:
    bases = {"Result", "Stored", "Drawable", "Computation", "_Page", "PictureOptions"}
    for module in (results, pictures):
        for name, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ == module.__name__ and name not in bases:
                assert getattr(linear_rnn, name) is cls
                assert name == "Forecast" or f"Async{name}" in linear_rnn.__all__
    options: types.FitOptions = {"noise": "ar1"}
    request: types.TrainingRunRequest = {"n_iterations": 3}
    assert {*options} < {*types.FitOptions.__annotations__}
    assert {*request} < {*types.TrainingRunRequest.__annotations__}
    assert issubclass(linear_rnn.Fit, types.FitResource)
    assert issubclass(linear_rnn.NoResult, linear_rnn.LinearRNNError)


@pytest.fixture(scope="module")
def schema(url: str) -> dict[str, Any]:
    """Return the OpenAPI schema of the running service."""
    schema: dict[str, Any] = httpx.get(f"{url}/openapi.json", timeout=60).raise_for_status().json()
    return schema


@pytest.mark.parametrize(
    ("method", "model"),
    [
        (Client.train, "TrainingRunRequest"),
        (Client.map_basins, "BasinMapRequest"),
        (Client.fit, "FitRequest"),
        (Client.evaluate, "EvaluateRequest"),
        (Client.optimum, "OptimumRequest"),
        (Client.trace, "GradientTraceRequest"),
        (Client.surface, "CostSurfaceRequest"),
        (Client.check_gradient, "GradientCheckRequest"),
    ],
)
def test_keywords_are_the_fields_of_requests(
    schema: dict[str, Any], method: Callable[..., Any], model: str
) -> None:
    fields = set(schema["components"]["schemas"][model]["properties"]) - {"keep"}
    keywords = set(inspect.signature(method).parameters) - OF_THE_CLIENT - {"self"}
    assert keywords == fields
    asynchronous = getattr(AsyncClient, method.__name__)
    assert list(inspect.signature(asynchronous).parameters) == list(
        inspect.signature(method).parameters
    )


def test_keywords_of_uploads_are_the_query_parameters(schema: dict[str, Any]) -> None:
    operation = schema["paths"]["/v1/datasets"]["post"]
    parameters = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
    assert parameters == {"kind", "name", "roles", *COLUMNS, *TableOptions.__annotations__}
    keywords = set(inspect.signature(Client.upload_series).parameters)
    assert keywords == parameters - {"kind", "roles"} | {"self", "table"}
    assert set(inspect.signature(Client.fit).parameters) > {*COLUMNS, *TableOptions.__annotations__}


def test_the_import_is_light() -> None:
    code = "import sys, linear_rnn; print(*sys.modules)"
    done = run_program(sys.executable, "-c", code)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"httpx", "numpy", "pandas", "polars", "tqdm", "service"}


MODULES = (client, pictures, results)
CLASSES = [
    member
    for module in MODULES
    for _, member in inspect.getmembers(module, inspect.isclass)
    if member.__module__ in {module.__name__ for module in MODULES} or member.__name__ == "Table"
]


def methods() -> Iterator[tuple[str, Any]]:
    """Yield the public methods by their names."""
    for owner in {each.__name__: each for each in CLASSES}.values():
        for name, member in vars(owner).items():
            function = getattr(member, "__func__", member)
            if not name.startswith("_") and inspect.isfunction(function):
                yield f"{owner.__name__}.{name}", function


METHODS = dict(methods())


@pytest.mark.parametrize("name", sorted(METHODS))
def test_the_help_of_a_method_shows_an_example_that_runs(
    name: str, rnn: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"rnn": rnn, **{each: getattr(linear_rnn, each) for each in linear_rnn.__all__}}
    example = doctest.DocTestParser().get_doctest(
        inspect.getdoc(METHODS[name]) or "", names, name, None, None
    )
    assert example.examples, f"{name} has no example"
    printed: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    assert runner.run(example, out=printed.append).failed == 0, "".join(printed)


def test_the_examples_of_coroutines_await_them() -> None:
    members = [member for each in CLASSES for member in vars(to_asynchronous(each)).items()]
    coroutines = {n: f for n, f in members if inspect.iscoroutinefunction(inspect.unwrap(f))}
    examples = {n: doc for n, f in coroutines.items() if ">>>" in (doc := inspect.getdoc(f) or "")}
    assert len(examples) > 10
    assert [name for name, doc in examples.items() if "await " not in doc] == []


def to_asynchronous(cls: type) -> type:
    """Return the asynchronous class of the same name, or the class itself without one."""
    module = sys.modules[cls.__module__.replace("._sync.", "._async.")]
    found: type = getattr(module, f"Async{cls.__name__}", cls)
    return found


def test_the_example_of_the_readme_runs(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAR_RNN_URL", url)
    text = (Path(__file__).parents[2] / "client" / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102 - our own
    assert names["fit"].forecast({"tv": [5, 0, 0]}).mean.shape == (3,)
    names["rnn"].close()


EXAMPLES = sorted((Path(__file__).parents[2] / "client" / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_run(path: Path, url: str, tmp_path: Path) -> None:
    done = run_program(
        sys.executable,
        "-W",
        "error",
        path,
        cwd=tmp_path,
        env=os.environ | {"LINEAR_RNN_URL": url},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = {
        "count_ones": "has 4.999 ones",
        "exploding_gradients": "w_rec 1.0: steady, 10^+0.0 over 30 steps\nw_rec 1.5: exploding",
        "race": "levenberg_marquardt",
        "time_constant": "time constant",
        "many_at_once": "201 costs are recorded",
    }
    assert printed[path.stem] in done.stdout
