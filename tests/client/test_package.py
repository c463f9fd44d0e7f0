"""The import, and what the package covers of the API."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from types import NoneType
from typing import Any, get_args

import httpx
import pytest

from linear_rnn import AsyncClient, Client, _models
from linear_rnn._sync.results import BasinMap, Collection, Fit, Run, Surface, Trace

KINDS = ("training_run", "basin_map", "fit", "dataset")
# The methods that send the requests of an operation, or ask the same question.
OPERATIONS: dict[str, Callable[..., Any]] = {
    "train": Client.train,
    "map_basins": Client.map_basins,
    "fit": Client.fit,
    "predict": Client.predict,
    "predict_file": Client.predict,
    "evaluate": Client.evaluate,
    "check_gradient": Client.check_gradient,
    "find_optimum": Client.optimum,
    "list_optimizers": Client.optimizers,
    "store_dataset": Client.upload,
    "get_gradient_trace": Client.trace,
    "trace_gradients": Client.trace,
    "get_gradient_trace_file": Trace.plot,
    "trace_gradients_file": Trace.plot,
    "get_cost_surface": Client.surface,
    "compute_cost_surface": Client.surface,
    "get_cost_surface_npz": Client.surface,
    "compute_cost_surface_npz": Client.surface,
    "get_cost_surface_file": Surface.plot,
    "compute_cost_surface_file": Surface.plot,
    "get_trajectory": Run.trajectory.fget,  # type: ignore[attr-defined]
    "get_trajectory_file": Run.plot,
    "get_basin_map_file": BasinMap.plot,
    "get_fit_file": Fit.plot,
    "get_fit_profile_file": Fit.profile,
    "get_dataset_file": Collection.get,
    **{f"list_{kind}s": Collection.__iter__ for kind in KINDS},
    **{f"get_{kind}": Collection.get for kind in KINDS},
    **{f"delete_{kind}": Collection.delete for kind in KINDS},
    **{f"cancel_{kind}": Run.cancel for kind in KINDS[:3]},
    **{f"follow_{kind}": Run.wait for kind in KINDS[:3]},
}
FOR_OPERATORS = {"livez", "readyz", "metrics"}
OF_THE_CLIENT = {"wait", "keep", "progress", "target", "inputs", "sequence", "time"}


@pytest.fixture(scope="module")
def schema(url: str) -> dict[str, Any]:
    """Return the OpenAPI schema of the running service."""
    schema: dict[str, Any] = httpx.get(f"{url}/openapi.json", timeout=60).raise_for_status().json()
    return schema


def test_every_operation_has_a_method(schema: dict[str, Any]) -> None:
    operations = {
        operation["operationId"]
        for methods in schema["paths"].values()
        for operation in methods.values()
    }
    assert operations - FOR_OPERATORS == set(OPERATIONS)


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


PYTHON_TYPES = {"string": str, "integer": int, "number": float, "boolean": bool}


@pytest.mark.parametrize("name", ["TrainingRun", "BasinMap", "FitResource", "DatasetSummary"])
def test_fields_have_the_types_of_the_schema(schema: dict[str, Any], name: str) -> None:
    model = schema["components"]["schemas"][name]
    written = {field.name: field for field in fields(getattr(_models, name))}
    written["residuals"] = written.pop("residual_tests", None)  # type: ignore[arg-type]
    for key, field in model["properties"].items():
        if key in {"trajectory", "map", "arrays"}:  # see the properties of the same meaning
            assert written.get(key) is None
            continue
        members = field.get("anyOf", [field])
        kinds = get_args(written[key].type) or (written[key].type,)
        assert ({"type": "null"} in members) == (NoneType in kinds)
        for member in members:
            if "enum" not in member and member.get("type") in PYTHON_TYPES:
                assert PYTHON_TYPES[member["type"]] in kinds
            if "$ref" in member:
                named = member["$ref"].rpartition("/")[2]
                names = {getattr(kind, "__name__", None) for kind in kinds}
                assert named.removesuffix("Schema") in names or named == "Outcome"


def test_the_import_is_light() -> None:
    code = "import sys, linear_rnn; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"httpx", "numpy", "pandas", "polars", "tqdm", "service"}
