"""The application in this process. Every response is checked against the OpenAPI schema."""

import asyncio
import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from service.api.errors import PROBLEM_TYPES
from service.app import create_app
from service.settings import Settings
from service.store.rows import ComputationRow

SLUGS = {f"/problems/{kind.slug}" for kind in PROBLEM_TYPES}

Json = dict[str, Any]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give each Schemathesis test the id in its name, since pytest 9.2 omits the label."""
    label = getattr(item, "operation_label", None)
    if label and item.id.params is None:
        item._id = item.id.with_params(label)


def make_row(**values: Any) -> ComputationRow:
    """Return a running computation with the given values, and None in all other columns."""
    names = [each.name for each in fields(ComputationRow) if each.init]
    own = {"id": "run_1", "status": "running", "progress_done": 0, "progress_total": 9}
    return ComputationRow(**{**dict.fromkeys(names), **own, **values})


def read_table(response: httpx.Response) -> dict[str, list[str]]:
    """Return the columns of a table by their names."""
    assert response.headers["content-type"].startswith("text/csv")
    header, *rows = csv.reader(io.StringIO(response.text, newline=""))
    columns = zip(*rows, strict=True)
    return {name: list(column) for name, column in zip(header, columns, strict=True)}


def bearer(key: str) -> dict[str, str]:
    """Return the header field that sends an API key."""
    return {"authorization": f"Bearer {key}"}


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def strictly(text: str | bytes) -> Any:
    """Parse JSON according to the standard, without NaN and Infinity."""
    return json.loads(text, parse_constant=_no_constant)


class Description:
    """The OpenAPI schema, against which responses are checked."""

    def __init__(self, schema: Json) -> None:
        self.schema = schema
        self._components = deepcopy(schema["components"])
        for shape in self._components["schemas"].values():
            if "properties" in shape:  # a response has no undocumented fields
                shape["additionalProperties"] = False
        by_length = sorted(schema["paths"], key=lambda path: -len(re.sub(r"{\w+}", "", path)))
        self._patterns = [
            (re.compile(re.sub(r"{\w+}", "[^/]+", path.replace(".", "[.]"))), path)
            for path in by_length
        ]

    def operation(self, method: str, path: str) -> Json | None:
        """Return the operation of a request, or None."""
        if method == "HEAD" and path.endswith("/events"):
            return None
        for pattern, template in self._patterns:
            if pattern.fullmatch(path):
                method = "get" if method == "HEAD" else method.lower()
                operation: Json | None = self.schema["paths"][template].get(method)
                return operation
        return None

    def check(self, response: httpx.Response) -> None:
        """Fail unless the operation documents the response."""
        request = response.request
        assert 1 <= len(response.headers["x-request-id"]) <= 128
        assert response.headers.get_list("x-content-type-options") == ["nosniff"]
        if response.status_code >= 400:
            self._check_problem(response)
        operation = self.operation(request.method, request.url.path)
        if operation is None or response.status_code == 500:
            return
        described = operation["responses"].get(str(response.status_code))
        assert described is not None, (request.method, request.url.path, response.status_code)
        if not response.content:
            return
        media_type = response.headers["content-type"].partition(";")[0]
        assert media_type in described["content"], media_type
        if media_type.endswith("json"):
            shape = described["content"][media_type]["schema"]
            self.validate(strictly(response.content), shape)

    def _check_problem(self, response: httpx.Response) -> None:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["cache-control"] == "no-store"
        if response.request.method == "HEAD":
            return
        problem = strictly(response.content)
        assert problem["status"] == response.status_code
        assert problem["type"] in SLUGS
        assert problem["request_id"] == response.headers["x-request-id"]
        assert problem["title"]
        assert len(problem["detail"]) < 1000
        for field in problem.get("errors", []):
            assert len(field.keys() & {"pointer", "parameter"}) == 1, field
            assert re.fullmatch(r"(/([^~/]|~0|~1)*)*", field.get("pointer", "")), field
            assert field["detail"]

    def validate(self, value: Any, shape: Json) -> None:
        """Fail unless a value matches the schema."""
        validator = Draft202012Validator({**shape, "components": self._components})
        problems = [f"{e.json_path}: {e.message[:300]}" for e in validator.iter_errors(value)]
        assert problems == []


class Api:
    """Sends requests to an application and checks every response."""

    def __init__(self, app: Any, runner: asyncio.Runner, description: Description) -> None:
        self.app = app
        self.description = description
        self.runner = runner
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://localhost",
            headers={"accept-encoding": "identity"},
        )

    def request(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Send a request."""
        response = self.runner.run(self.client.request(method, url, **more))
        self.description.check(response)
        return response

    def get(self, url: str, **more: Any) -> httpx.Response:
        return self.request("GET", url, **more)

    def get_under(self, root_path: str, url: str) -> httpx.Response:
        """Get what a proxy with a root path serves, without a check of the response."""
        transport = httpx.ASGITransport(app=self.app, root_path=root_path)
        client = httpx.AsyncClient(transport=transport, base_url="http://localhost")
        return self.runner.run(client.get(root_path + url))

    def head(self, url: str, **more: Any) -> httpx.Response:
        return self.request("HEAD", url, **more)

    def delete(self, url: str, **more: Any) -> httpx.Response:
        return self.request("DELETE", url, **more)

    def post(self, url: str, body: Any = None, **more: Any) -> httpx.Response:
        """Post JSON, or nothing if there is no body."""
        return self.request("POST", url, **({} if body is None else {"json": body}), **more)

    def post_text(self, url: str, text: str | bytes) -> httpx.Response:
        """Post a body that may not be JSON."""
        return self.request("POST", url, content=text, headers={"content-type": "application/json"})

    def upload(self, body: str | bytes, media_type: str = "text/csv", query: str = "") -> Any:
        """Post a file with a dataset."""
        headers = {"content-type": media_type}
        return self.request("POST", f"/v1/datasets{query}", content=body, headers=headers)

    def at_once(self, method: str, url: str, n: int, **more: Any) -> list[httpx.Response]:
        """Send the same request n times at the same time."""

        async def send() -> list[httpx.Response]:
            requests = (self.client.request(method, url, **more) for _ in range(n))
            return list(await asyncio.gather(*requests))

        responses = self.runner.run(send())
        for response in responses:
            self.description.check(response)
        return responses

    def refused(self, response: httpx.Response, place: str, *words: str) -> Json:
        """Fail unless the response is a 422 for the field or query parameter; return the problem.

        Parameters
        ----------
        place
            A JSON pointer, or the name of a query parameter.
        """
        assert response.status_code == 422, response.text
        problem: Json = response.json()
        kind = "pointer" if place.startswith("/") or not place else "parameter"
        assert place in [field.get(kind) for field in problem["errors"]], problem["errors"]
        text = " ".join(field["detail"] for field in problem["errors"]) + problem["detail"]
        for word in words:
            assert word in text
        return problem


@pytest.fixture(scope="session")
def description(tmp_path_factory: pytest.TempPathFactory) -> Description:
    """Return the OpenAPI schema for checks."""
    app = create_app(Settings(data_dir=tmp_path_factory.mktemp("described")))
    return Description(json.loads(json.dumps(app.openapi())))


@pytest.fixture(scope="session")
def start_api(description: Description) -> Callable[..., Api]:
    """Return a function that starts an application with the given settings."""

    def start(closing: ExitStack, **settings: Any) -> Api:
        # By default pictures are drawn in a thread, which starts faster than processes, and a busy
        # machine has time for what an idle one computes at once.
        defaults = {"render_processes": 0, "max_sync_seconds": 20.0}
        own = Settings.model_validate(defaults | settings)
        app = create_app(own)
        runner = closing.enter_context(asyncio.Runner())
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        closing.callback(lambda: runner.run(lifespan.__aexit__(None, None, None)))
        api = Api(app, runner, description)
        closing.callback(lambda: runner.run(api.client.aclose()))
        return api

    return start


@pytest.fixture(scope="session")
def api(start_api: Callable[..., Api], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Return a shared application on SQLite, for tests that ignore the data of other tests."""
    with ExitStack() as closing:
        yield start_api(closing, data_dir=tmp_path_factory.mktemp("data"))


@pytest.fixture
def examples(api: Api) -> None:
    """Store the resources with the ids of the examples."""
    for resource in ("datasets", "training-runs", "basin-maps", "fits"):
        api.post(f"/v1/{resource}", {})


@pytest.fixture
def make_api(start_api: Callable[..., Api], tmp_path: Path) -> Iterator[Callable[..., Api]]:
    """Return a function that starts an application with the given settings, on SQLite."""
    with ExitStack() as closing:
        yield lambda **settings: start_api(closing, data_dir=tmp_path / "data", **settings)


@pytest.fixture
def stored_api(database_url: str, start_api: Callable[..., Api]) -> Iterator[Api]:
    """Return an application with an empty database, for each kind of database."""
    with ExitStack() as closing:
        yield start_api(closing, database_url=database_url)
