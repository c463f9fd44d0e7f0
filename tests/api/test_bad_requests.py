"""Requests generated from the schema: bad ones are refused, and all have documented responses."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from scripts.openapi import openapi_schema

SCHEMA = json.loads(json.dumps(openapi_schema()))
BODIES = {
    path.replace("{suffix}", "svg"): media
    for path, methods in SCHEMA["paths"].items()
    for name, media in methods.get("post", {}).get("requestBody", {}).get("content", {}).items()
    if name == "application/json"
}
QUERIES = [
    (path.replace("{suffix}", "png"), parameter["name"], parameter["schema"])
    for path, methods in SCHEMA["paths"].items()
    for parameter in methods.get("get", {}).get("parameters", [])
    if parameter["in"] == "query" and "_id}" not in path
]
WRONG: dict[str, tuple[Any, ...]] = {
    "number": ("1", "", True, [1], {}),
    "integer": ("1", "", True, [1], {}, 1.5, 10**30),
    "boolean": (0, "true", None, []),
    "string": (1, True, {}, []),
    "array": ("1,2", 3, {}),
}
VALID: dict[str, Any] = {"number": 1, "string": "a", "array": [1], "object": {}}

NOT_JSON = (
    *("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" + "0" * 400, "0x10"),
    *('"\\ud800"', "\\ud800", '"\x00"', "'", "{", "{'a': 1}", '{"a": 1,}', "1,,"),
    *("[1, 2", "[" * 50_000, "\ufeff{}"),
)
NOT_OBJECTS = (
    *("[]", '"{}"', "0", "true", "[" * 1000 + "]" * 1000),
    *("null", " null\n", "null" + " " * 20_000),  # an empty request has no body at all
)

QUERY_TEXTS = ("NaN", "inf", "1e400", "%00", "%ED%A0%80", "%FF", "1_0", "%D9%A1", "9" * 400)
HEADERS = (
    *("accept", "accept-encoding", "authorization", "cookie", "host", "if-match", "if-none-match"),
    *("origin", "prefer", "range", "referer", "sec-fetch-site", "x-forwarded-for", "x-request-id"),
)


def resolve(schema: Any) -> Any:
    """Return a schema with the content of the component to which it refers."""
    if "$ref" not in schema:
        return schema
    return SCHEMA["components"]["schemas"][schema["$ref"].rpartition("/")[2]] | schema


def invalid_values(schema: Any, default: Any) -> Iterator[tuple[str, Any]]:
    """Yield values that violate a schema, each in a valid value, with the pointer to it."""
    schema = resolve(schema)
    if "oneOf" in schema:
        yield from _invalid_unions(schema, default)
    variants = [variant for variant in schema.get("anyOf", []) if variant != {"type": "null"}]
    for variant in variants:
        for pointer, value in invalid_values(variant, default or {}):
            # A value that one alternative refuses may be valid in another.
            if len(variants) == 1 if pointer else not _accepts(schema, value):
                yield pointer, value
    if schema.get("type") == "object":
        yield from _invalid_objects(schema, default or {})
    elif isinstance(schema.get("type"), list):
        yield "", "x"
        return  # a number or an array is located as a whole
    elif "type" in schema:
        yield from (("", value) for value in (*WRONG[schema["type"]], *out_of_bounds(schema)))
    if "items" in schema:
        items = resolve(schema["items"])
        kind = items.get("type") or items["anyOf"][0]["type"]
        kind = kind[0] if isinstance(kind, list) else kind  # the second one is null
        # Validation of a list of objects ends at the first invalid one.
        valid = [] if kind == "object" else [items["enum"][0] if "enum" in items else VALID[kind]]
        for pointer, value in invalid_values(items, {}):
            yield f"/{len(valid)}{pointer}", [*valid, value]


def _accepts(schema: Any, value: Any) -> bool:
    whole = {**schema, "components": SCHEMA["components"]}
    return bool(Draft202012Validator(whole).is_valid(value))


def _invalid_unions(schema: Any, default: Any) -> Iterator[tuple[str, Any]]:
    tag = schema["discriminator"]["propertyName"]
    yield f"/{tag}", {tag: "unknown"}
    yield "", 3
    for variant in schema["oneOf"]:
        tagged = {tag: resolve(variant)["properties"][tag]["const"]}
        is_default = tagged.items() <= (default or {}).items()
        yield from invalid_values(variant, default if is_default else tagged)


def _invalid_objects(schema: Any, default: Any) -> Iterator[tuple[str, Any]]:
    yield "", 3
    yield "", [1, 2]
    if "properties" not in schema:  # any name is allowed
        return
    yield "/unknown", {**default, "unknown": 1}
    for name in set(schema.get("required", [])) - default.keys():
        yield f"/{name}", default
    for name, field in schema["properties"].items():
        if "const" not in field:
            for pointer, value in invalid_values(field, default.get(name, field.get("default"))):
                yield f"/{name}{pointer}", {**default, name: value}


def out_of_bounds(schema: Any) -> Iterator[Any]:
    """Yield values beyond the bounds in a schema."""
    if "minimum" in schema:
        yield schema["minimum"] - max(1, abs(schema["minimum"]))
    if "maximum" in schema:
        yield schema["maximum"] + max(1, abs(schema["maximum"]))
    for name in ("exclusiveMinimum", "exclusiveMaximum"):
        if name in schema:
            yield schema[name]
    if "minItems" in schema:
        yield []
    if "maxItems" in schema:
        yield [{}] * (schema["maxItems"] + 1)
    if "enum" in schema:
        yield "unknown"


@pytest.mark.parametrize("path", BODIES)
def test_invalid_values_are_located(api: Any, path: str) -> None:
    default = next(iter(BODIES[path]["examples"].values()))["value"]
    n_values = 0
    for pointer, body in invalid_values(BODIES[path]["schema"], default):
        n_values += 1
        response = api.post(path, body)
        assert response.status_code == 422, (body, response.text)
        pointers = [error["pointer"] for error in response.json()["errors"]]
        assert pointer in pointers or [at for at in pointers if at.startswith(f"{pointer}/")], body
    assert n_values > 20


@pytest.mark.parametrize(("path", "name", "schema"), QUERIES)
def test_invalid_query_parameters(api: Any, path: str, name: str, schema: Any) -> None:
    texts = []
    for each in [resolve(schema), *map(resolve, schema.get("anyOf", []))]:
        if each.get("type") == "array":
            texts += ["&".join([f"{name}=1,2"] * (each["maxItems"] + 1))]
            continue
        texts += [f"{name}={value}" for value in out_of_bounds(each)]
        texts += [f"{name}=1&{name}=1"]
        if each.get("type") in {"number", "integer"}:
            texts += [f"{name}={text}" for text in ("", "x", "true", "NaN", "%222%22", "1e400")]
        if "maxLength" in each:
            texts += [f"{name}=" + "x" * (each["maxLength"] + 1)]
    for text in texts:
        response = api.get(f"{path}?{text}")
        assert response.status_code == 422, text
        assert {error["parameter"] for error in response.json()["errors"]} == {name}, text


@pytest.mark.parametrize("path", BODIES)
def test_text_that_is_not_json(api: Any, path: str) -> None:
    for text in NOT_JSON:
        for body in (text, f'{{"x": {text}}}'):
            response = api.post_text(path, body.encode("utf-8"))
            assert response.status_code == 400, body[:200]
            assert len(response.content) < 2000


@pytest.mark.parametrize("path", BODIES)
def test_bodies_that_are_not_objects(api: Any, path: str) -> None:
    for text in NOT_OBJECTS:
        api.refused(api.post_text(path, text), "", "object")


def test_the_last_of_several_equal_names_counts(api: Any) -> None:
    twice = '{"keep": false, "n_iterations": 9, "n_iterations": 3, "keep": false}'
    assert api.post_text("/v1/training-runs", twice).json()["iterations"] == 3


@pytest.mark.parametrize(
    "query",
    [
        "/v1/gradient-trace?{}=1",
        "/v1/cost-surface?run={}",
        "/v1/datasets?cursor={}",
        "/v1/training-runs/run_{}",
        "/v1/training-runs/run_{}/events",
        "/v1/training-runs/run_{}/trajectory.png",
        "/v1/basin-maps/{}.npz",
        "/v1/datasets/{}.csv",
        "/v1/{}",
        "/explorer/{}",
        "/docs-assets/{}",
    ],
)
def test_queries_and_paths(api: Any, query: str) -> None:
    ids = ("ds_" + "0" * 32, "run_" + "0" * 32, "DS_" + "0" * 32)
    paths = ("../../etc/passwd", "%2e%2e%2fetc%2fpasswd", "..%5c..", "a" * 5000)
    for text in (*QUERY_TEXTS, *ids, *paths):
        response = api.get(query.format(text))
        assert response.status_code in {404, 422}, text
        assert len(response.content) < 2000


@pytest.mark.parametrize("name", HEADERS)
def test_headers(api: Any, name: str) -> None:
    for value in (b"", b"\xff\xfe", b"a" * 10_000, b",;=\"'\\", b"*", b"-1", b"bytes=0-,-1"):
        response = api.get("/v1/gradient-trace.csv", headers={name.encode(): value})
        assert response.status_code in {200, 304, 400, 403}, value


OPERATIONS = [(path, method) for path, methods in SCHEMA["paths"].items() for method in methods]

some = schemathesis.openapi.from_dict(SCHEMA)
some.config.phases.coverage.enabled = False  # hundreds of requests for each operation
every = schemathesis.pytest.from_fixture("one_operation")
a_few = settings(
    max_examples=3,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@schemathesis.serializer("application/x-npz")
def as_it_is(_context: Any, value: Any) -> bytes:
    """Return the generated bytes of an archive."""
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module")
def small(start_api: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return an application with low limits."""
    limits = {"max_work_seconds": 0.01, "max_iterations": 100, "max_grid": 50, "max_cells": 5000}
    with ExitStack() as closing:
        yield start_api(closing, data_dir=tmp_path_factory.mktemp("small"), **limits)


@pytest.fixture(params=OPERATIONS, ids=" ".join)
def one_operation(request: pytest.FixtureRequest) -> Any:
    """Return the schema of one operation. Its requests are generated when its test runs."""
    request.node._nodeid = request.node.nodeid  # Schemathesis reads it, pytest 9.2 has none
    path, method = request.param
    operation = SCHEMA["paths"][path][method]
    return schemathesis.openapi.from_dict(SCHEMA | {"paths": {path: {method: operation}}})


def check(case: Any, small: Any) -> None:
    request = case.as_transport_kwargs(base_url="http://localhost")
    request["content"] = request.pop("data", None)
    request.pop("cookies", None)
    if "wait" in request["headers"].get("prefer", ""):
        request["headers"]["prefer"] = "wait=0"  # no worker runs, so that it would wait in vain
    if "files" in request:
        request["files"] = {"file": str(request["files"]).encode()}
    response = small.request(request.pop("method"), request.pop("url"), **request)
    assert response.status_code < 500


@some.parametrize()
@a_few
def test_any_request_has_a_documented_response(case: Any, small: Any) -> None:
    check(case, small)


@pytest.mark.slow
@every.parametrize()
@settings(a_few, max_examples=100)
def test_many_requests_have_documented_responses(case: Any, small: Any) -> None:
    check(case, small)
