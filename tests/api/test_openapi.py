"""The OpenAPI schema: complete, valid, with examples that work."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from scripts.openapi import openapi_schema
from scripts.response_examples import make_examples
from service.api.errors import CONNECTION_PROBLEMS, PROBLEM_TYPES

SCHEMA = json.loads(json.dumps(openapi_schema()))
BOUNDED = {"number", "integer"}


def operations() -> Iterator[tuple[str, str, Any]]:
    for path, methods in SCHEMA["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def bodies() -> Iterator[tuple[str, str, Any]]:
    """Yield every example of a body: its path, name and value."""
    for method, path, operation in operations():
        media = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if method == "POST" and media is not None:
            for name, example in media["examples"].items():
                for suffix in suffixes(operation):
                    yield path.replace("{suffix}", suffix), name, example["value"]


def suffixes(operation: Any) -> list[str]:
    for parameter in operation.get("parameters", []):
        if parameter["name"] == "suffix":
            values: list[str] = parameter["schema"]["enum"]
            return values
    return [""]


def test_every_route_is_described(api: Any) -> None:
    described = {(method, path) for method, path, _ in operations()}
    assert len(described) >= 30
    pages = {"/", "/docs", "/fit", "/openapi.json", "/guide", "/llms.txt", "/problems/{slug}"}
    hidden = {*pages, "/explorer/{path:path}", "/guide/{path:path}", "/docs-assets/{name}"}
    served = set()
    for route in api.app.routes:
        router = getattr(route, "original_router", None)
        for each in router.routes if router else [route]:
            if each.path not in hidden and getattr(each, "methods", None):
                served |= {(method, each.path_format) for method in each.methods}
    assert served == described


@pytest.mark.parametrize(("method", "path", "operation"), list(operations()))
def test_operations_have_descriptions(method: str, path: str, operation: Any) -> None:
    assert operation["summary"]
    assert len(operation["description"]) > 20
    assert operation["tags"]
    for status, response in operation["responses"].items():
        assert response["description"] not in {"", "Successful Response", "Validation Error"}
        if int(status) >= 400:
            assert list(response["content"]) == ["application/problem+json"]
    assert "422" in operation["responses"]
    statuses = list(operation["responses"])
    assert statuses == sorted(statuses)


def test_generators_can_represent_all_defaults_numbers_and_unions() -> None:
    for name, shape in SCHEMA["components"]["schemas"].items():
        for at, field in fields(shape, name):
            assert not isinstance(field.get("default"), (dict, list)), at
            assert field.get("type") not in BOUNDED or field["format"] in {"double", "int64"}, at
            assert "title" not in field or at.endswith(("/request", "/options")), at
    assert set(SCHEMA["components"]["schemas"]["CountOnesDataset"]["required"]) == {"kind"}
    assert set(SCHEMA["components"]["schemas"]["Rprop"]["required"]) == {"name"}


def fields(shape: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in shape.get("properties", {}).items():
        yield f"{at}/{name}", field


@pytest.mark.parametrize("name", sorted(SCHEMA["components"]["schemas"]))
def test_models_have_descriptions(name: str) -> None:
    shape = SCHEMA["components"]["schemas"][name]
    assert shape["description"]
    request_body = shape.get("additionalProperties") is False
    for at, field in fields(shape):
        # A reference has the description of its target.
        assert field.get("description") or field.keys() == {"$ref"}, f"{name}{at}"
        if request_body:
            required = at[1:] in shape.get("required", [])
            # The example of an object or a list is its default.
            default = field.keys() & {"default", "examples"}
            assert default or required or nullable(field), at


def nullable(field: Any) -> bool:
    return {"type": "null"} in field.get("anyOf", [])


def test_every_schema_is_a_json_schema_and_is_used() -> None:
    for shape in SCHEMA["components"]["schemas"].values():
        Draft202012Validator.check_schema(shape)
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(SCHEMA)))
    assert references == SCHEMA["components"]["schemas"].keys()


@pytest.mark.parametrize(("path", "name", "value"), list(bodies()))
@pytest.mark.usefixtures("examples")
def test_every_example_of_a_body_works(api: Any, path: str, name: str, value: Any) -> None:
    assert api.post(path, value).status_code in {200, 201}


def test_examples_match_their_schema(api: Any) -> None:
    for method, _, operation in operations():
        media = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if method == "POST" and media is not None:
            assert len(media["examples"]) >= 2
            for example in media["examples"].values():
                api.description.validate(example["value"], media["schema"])


def test_examples_of_responses_are_what_the_service_answers(api: Any) -> None:
    answers = make_examples()
    for name, answer in answers.items():
        (example,) = SCHEMA["components"]["schemas"][name]["examples"]
        assert_alike(example, answer)
        api.description.validate(example, {"$ref": f"#/components/schemas/{name}"})


def assert_alike(first: Any, second: Any) -> None:
    """Compare JSON; the numbers of an example are rounded."""
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        for name, value in first.items():
            assert_alike(value, second[name])
    elif isinstance(first, list):
        assert len(first) == len(second)
        for pair in zip(first, second, strict=True):
            assert_alike(*pair)
    elif isinstance(first, float):
        assert first == pytest.approx(second, rel=1e-7, abs=1e-8)  # of differences
    else:
        assert first == second


@pytest.mark.usefixtures("examples")
def test_every_path_with_an_id_works_when_its_example_is_pasted(api: Any) -> None:
    for method, path, operation in operations():
        if method != "GET":
            continue
        for suffix in suffixes(operation):
            address = path.replace("{suffix}", suffix)
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path" and parameter["name"] != "suffix":
                    (example,) = parameter["schema"]["examples"]
                    assert re.fullmatch(parameter["schema"]["pattern"], example)
                    address = address.replace(f"{{{parameter['name']}}}", example)
            assert api.get(address).status_code == 200


@pytest.mark.slow
def test_every_example_of_a_query_parameter_works(api: Any) -> None:
    api.post("/v1/datasets", {})
    api.post("/v1/training-runs", {})
    for method, path, operation in operations():
        if method == "GET" and "{" not in path:
            for parameter in operation.get("parameters", []):
                for example in parameter["schema"].get("examples", []):
                    reply = api.get(path, params={parameter["name"]: example})
                    assert reply.status_code == 200, (path, parameter["name"])


def test_every_parameter_has_a_description_and_an_example() -> None:
    for _, path, operation in operations():
        for parameter in operation.get("parameters", []):
            named = f"{path} {parameter['name']}"
            assert parameter["description"], named
            assert parameter["schema"].keys() & {"type", "anyOf", "$ref", "enum"}, named
            for example in parameter["schema"]["examples"]:
                schema = {**parameter["schema"], "components": SCHEMA["components"]}
                Draft202012Validator(schema).validate(example)


def test_the_schema_lists_every_problem_type() -> None:
    text = json.dumps(SCHEMA)
    for kind in set(PROBLEM_TYPES) - set(CONNECTION_PROBLEMS):
        if kind.status not in {405, 500}:  # any operation may return these
            assert f"`{kind.slug}`" in text


def test_the_summary_for_assistants_is_short_and_has_every_resource(api: Any) -> None:
    response = api.get("/llms.txt")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text.startswith("# linear-rnn\n\n> ")
    assert len(response.text) < 6000
    for path in {path.partition("/{")[0].partition(".{")[0] for path in SCHEMA["paths"]}:
        assert f"`{path.removesuffix('.npz').removesuffix('.csv')}`" in response.text
    assert "/guide/recipes/" in response.text
