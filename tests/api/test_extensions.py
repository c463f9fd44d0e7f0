"""The recipes in CONTRIBUTING: a new activation, kind of dataset, format of pictures, question."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import service
from tests.programs import run_program

SOURCE = Path(service.__file__).parent
QUESTIONS = "\nQUESTIONS: Final"
ACTIVATIONS = """
ACTIVATIONS["leaky_relu"] = Activation(
    lambda z: np.maximum(z, 0.1 * z), lambda z: np.where(z > 0.0, 1.0, 0.1)
)
ACTIVATIONS["arctan"] = Activation(
    np.arctan,
    lambda z: 1.0 / np.hypot(1.0, z) ** 2,
    lambda z: -2.0 * z / np.hypot(1.0, z) ** 4,
    lambda z: -2.0 * np.log(np.hypot(1.0, z)),
)
"""
SIGN_DESCENT = """
def _sign_descent(learning_rate: float) -> GradientOptimizer:
    def update(gradient: FloatOrArray, state: State) -> tuple[FloatOrArray, State]:
        return -learning_rate * np.sign(gradient), state

    return GradientOptimizer(_initial_zero, update)


SPECS = (
    *SPECS,
    OptimizerSpec(
        name="sign_descent",
        title="Sign descent",
        formula="w ← w - η sign g",
        parameters=(_learning_rate(0.25),),
        build=_sign_descent,
    ),
)
"""
FORMATS = """
def write_webp(figure, metadata):
    from service.figures.page import rasterize

    with io.BytesIO() as buffer:
        Image.fromarray(rasterize(figure)).save(buffer, "webp")
        return buffer.getvalue()


PICTURE_FORMATS["webp"] = PictureFormat("webp", "image/webp", write_webp, is_compressed=True)
"""
UNION = "CountOnesDataset | RememberDataset | ExplicitDataset\n"
DATASET = """
class OnesDataset(DatasetKind):
    kind: Literal["ones"] = "ones"

    def resolve(self) -> ResolvedDataset:
        return ResolvedDataset.from_arrays(np.ones((3, 2)), np.ones(3))


OneTargetDataset: TypeAlias = """
SPREAD_MODELS = '''
"""The spread of the targets."""

from typing import Annotated

from pydantic import Field

from service.schemas.base import NUMBER, ResponseModel
from service.schemas.datasets import ObjectiveRequest


class SpreadRequest(ObjectiveRequest):
    """The measure of the spread."""

    unit: Annotated[float, Field(gt=0, description="The unit."), NUMBER] = 1.0


class SpreadResponse(ResponseModel):
    """The spread of the targets."""

    spread: Annotated[float, Field(description="The standard deviation, in units.")]
'''
SPREAD_USE_CASE = '''
"""Measure the spread of the targets."""

from service.operations.shared.limits import Limits
from service.operations.questions.question import Question
from service.schemas.resolved_datasets import ResolvedDataset
from service.schemas.spread import SpreadRequest, SpreadResponse


def estimate(_: SpreadRequest, dataset: ResolvedDataset, _limits: Limits) -> float:
    """Return the estimated seconds."""
    return 1e-8 * dataset.size.n_samples * dataset.size.n_steps


def measure_spread(
    request: SpreadRequest, dataset: ResolvedDataset, _: Limits
) -> SpreadResponse:
    """Measure the spread of the targets."""
    return SpreadResponse(spread=dataset.dataset.targets.std() / request.unit)


SPREAD = Question(
    path="/v1/spread",
    tag="Prediction",
    compute=measure_spread,
    estimate=estimate,
    reducible="unit",
    by_query=True,
)
'''
SPREAD_IMPORT = "from service.operations.questions.spread import SPREAD\n"
PROGRAM = """
import asyncio, json, sys
from pathlib import Path
import httpx
from service.api.access import scope_for
from service.app import create_app
from service.settings import Settings

PART = json.loads(sys.argv[2])
DATA = {"dataset": PART["dataset"]} if "dataset" in PART else {}
NETWORK = PART.get("network", {})
QUESTION = {**DATA, "network": NETWORK}
TRAINING = {**QUESTION, **PART, "n_iterations": 5}
# The bodies of POST to paths that do not take a dataset and a network.
BODIES = {
    "/v1/predict": {"model": NETWORK, **(DATA or {"inputs": [[1, 2]]})},
    "/v1/optimum": DATA,
    "/v1/training-runs": TRAINING,
    "/v1/basin-maps": {**TRAINING, "window": {"resolution": 3}},
    "/v1/fits": DATA,
    "/v1/datasets": PART.get("dataset", {}),
}

def expand(path, operation):
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            values = parameter["schema"].get("enum", [])
            return [path.replace("{%s}" % parameter["name"], value) for value in values]
    return [path]

async def main():
    app = create_app(Settings(data_dir=Path(sys.argv[1]), workers=0, render_processes=0))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")
    async with app.router.lifespan_context(app), client:
        schema = (await client.get("/openapi.json")).json()
        for path, operations in schema["paths"].items():
            get, post = operations.get("get", {}), operations.get("post")
            names = {parameter["name"] for parameter in get.get("parameters", [])}
            given = {**NETWORK, **PART.get("dataset", {})}
            query = {name: value for name, value in given.items() if name in names}
            for place in expand(path, get) if get and path not in ("/readyz",) else []:
                yield f"GET {place}", (await client.get(place, params=query)).status_code
            content = (post or {}).get("requestBody", {}).get("content", {})
            has_defaults = not (post or {}).get("requestBody", {}).get("required")
            accepts_json = "application/json" in content and has_defaults
            for place in expand(path, post) if accepts_json else []:
                body = BODIES.get(path.removesuffix(".{suffix}"), QUESTION)
                response = await client.post(place, json=body)
                yield f"POST {place}", response.status_code
                links = response.json()["links"] if response.status_code == 201 else {}
                for link, file in links.items():
                    if link != "events":
                        yield file, (await client.get(file)).status_code
        extra = {**TRAINING, "optimizer": {"name": "levenberg_marquardt"}, "keep": False}
        yield "squares", (await client.post("/v1/training-runs", json=extra)).status_code
        for asked in sys.argv[3:]:
            response = await client.request(*asked.split())
            yield asked, response.status_code
            yield f"answer to {asked}", response.text
            yield f"scope of {asked}", scope_for(*asked.split())
        yield "schema", (await client.get("/openapi.json")).text
        yield "page", (await client.get("/")).text

async def collect():
    return [answer async for answer in main()]

print(json.dumps(asyncio.run(collect())))
"""


def answers(directory: Path, part: dict[str, Any], *asked: str) -> dict[str, Any]:
    """Return the status of every endpoint of an extended copy, and the responses to requests."""
    command = [PROGRAM, str(directory / "data"), json.dumps(part), *asked]
    done = run_program(
        sys.executable,
        "-W",
        "error",
        "-c",
        *command,
        env=os.environ | {"PYTHONPATH": str(directory)},
        cwd=directory,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    replies = dict(json.loads(done.stdout))
    assert len(replies) > 20
    codes = {name: code for name, code in replies.items() if isinstance(code, int)}
    assert {name: code for name, code in codes.items() if code > 201} == {}
    return replies


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a copy of the service, to which all recipes were applied."""
    directory = tmp_path_factory.mktemp("copy")
    service_copy = directory / "service"
    shutil.copytree(SOURCE, service_copy)
    extend(service_copy / "engine/network/activations.py", ACTIVATIONS)
    extend(service_copy / "figures/formats.py", FORMATS)
    path = service_copy / "engine/training/optimizers/gradient_methods.py"
    path.write_text(path.read_text().replace("from typing", "import numpy as np\nfrom typing", 1))
    extend(path, SIGN_DESCENT)
    path = service_copy / "schemas/datasets.py"
    source = path.read_text()
    assert UNION in source
    source = source.replace("\nOneTargetDataset: TypeAlias = ", DATASET)
    path.write_text(source.replace(UNION, f"OnesDataset | {UNION}"))
    (service_copy / "schemas/spread.py").write_text(SPREAD_MODELS)
    (service_copy / "operations/questions/spread.py").write_text(SPREAD_USE_CASE)
    path = service_copy / "operations/questions/__init__.py"
    first, head, entries = path.read_text().partition(QUESTIONS)
    declared, _, questions = entries.partition("(\n")
    extended = [first, SPREAD_IMPORT, head, declared, "(\n", "    SPREAD,\n", questions]
    path.write_text("".join(extended))
    return directory


def extend(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


@pytest.mark.parametrize("name", [pytest.param("leaky_relu", marks=pytest.mark.slow), "arctan"])
def test_every_endpoint_accepts_a_new_activation(copy: Path, name: str) -> None:
    replies = answers(copy, {"network": {"activation": name}})
    assert name in json.loads(replies["schema"])["components"]["schemas"]["Activation"]["enum"]
    assert f'<option value="{name}">' in replies["page"]


def test_every_endpoint_takes_a_new_dataset_optimizer_format_and_question(copy: Path) -> None:
    run = "GET /v1/training-runs"
    get, post = "GET /v1/spread?kind=remember&n_steps=2&noise=0&unit=2", "POST /v1/spread"
    part = {"dataset": {"kind": "ones"}, "optimizer": {"name": "sign_descent"}}
    replies = answers(copy, part, "GET /v1/optimizers", run, get, post)
    schema = json.loads(replies["schema"])
    assert '<option value="ones" data-fields="kind">ones</option>' in replies["page"]
    assert "OnesDataset" in schema["components"]["schemas"]
    assert "sign_descent" in replies["answer to GET /v1/optimizers"]
    assert "sign_descent" in replies["schema"]
    weights = json.loads(replies[f"answer to {run}"])["items"][0]["final"]["weights"]
    # Five steps of 0.25 against the signs of the gradient.
    assert weights == {"w_in": -0.25, "w_rec": 0.75}
    drawn = [path for path in replies if path.endswith(".webp")]
    # Traces and surfaces by GET and POST, a run, a map, a fit with three more.
    assert len(drawn) == 11
    assert '"image/webp"' in replies["schema"]
    check_answers(replies[f"answer to {get}"], replies[f"answer to {post}"])
    assert replies[f"scope of {post}"] == "read"
    operations = schema["paths"]["/v1/spread"]
    unit = next(each for each in operations["get"]["parameters"] if each["name"] == "unit")
    assert unit["schema"]["exclusiveMinimum"] == 0
    assert "empty" in operations["post"]["requestBody"]["content"]["application/json"]["examples"]


def check_answers(get: str, post: str) -> None:
    """Compare the answers to the new question with the spread of the data."""
    drawn = np.random.RandomState(1).standard_normal(20)
    assert json.loads(get)["spread"] == pytest.approx(drawn.std() / 2)
    ones = [np.around(random.rand(10)).sum() for random in [np.random.RandomState(1)] * 20]
    assert json.loads(post)["spread"] == pytest.approx(np.std(ones))
