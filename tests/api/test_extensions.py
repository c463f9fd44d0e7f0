"""Every endpoint accepts a new activation, kind of dataset or format of pictures."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import service

SOURCE = Path(service.__file__).parent
ACTIVATIONS = """
ACTIVATIONS = make_registry(
    **ACTIVATIONS,
    leaky_relu=Activation(
        lambda z: np.maximum(z, 0.1 * z), lambda z: np.where(z > 0.0, 1.0, 0.1)
    ),
    arctan=Activation(
        np.arctan,
        lambda z: 1.0 / np.hypot(1.0, z) ** 2,
        lambda z: -2.0 * z / np.hypot(1.0, z) ** 4,
        lambda z: -2.0 * np.log(np.hypot(1.0, z)),
    ),
)
"""
FORMATS = """
def write_webp(picture, metadata):
    with io.BytesIO() as buffer:
        Image.fromarray(picture.pixels()).save(buffer, "webp")
        return buffer.getvalue()


PICTURE_FORMATS["webp"] = PictureFormat("webp", "image/webp", write_webp, is_compressed=True)
"""
UNION = "CountOnesDataset | RememberDataset | ExplicitDataset | StoredDataset\n"
DATASET = """
class OnesDataset(DatasetKind):
    kind: Literal["ones"] = "ones"

    def resolve(self) -> ResolvedDataset:
        return ResolvedDataset.from_arrays(np.ones((3, 2)), np.ones(3))


OneTargetDataset: TypeAlias = """
PROGRAM = """
import asyncio, json, sys
from pathlib import Path
import httpx
from service.app import create_app
from service.settings import Settings

PART = json.loads(sys.argv[2])
SMALL = {**PART, "n_iterations": 5}
REQUESTS = [
    ("predict", {"model": PART.get("network", {}), "return_states": True}),
    ("evaluate", PART),
    ("gradient-trace", PART),
    ("gradient-trace.csv", PART),
    ("gradient-trace.svg", PART),
    ("gradient-check", PART),
    ("cost-surface", PART),
    ("cost-surface.npz", PART),
    ("cost-surface.png", PART),
    ("training-runs", SMALL),
    ("training-runs", {**SMALL, "optimizer": {"name": "levenberg_marquardt"}, "keep": False}),
    ("basin-maps", {**SMALL, "window": {"resolution": 3}}),
]

async def main():
    app = create_app(Settings(data_dir=Path(sys.argv[1]), workers=0, render_processes=0))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")
    async with app.router.lifespan_context(app), client:
        for path, body in REQUESTS:
            response = await client.post(f"/v1/{path}", json=body)
            yield path, response.status_code
            if response.status_code == 201:
                for link, file in response.json()["links"].items():
                    if link != "events":
                        yield file, (await client.get(file)).status_code
        yield "schema", (await client.get("/openapi.json")).text
        yield "page", (await client.get("/")).text

async def collect():
    return [answer async for answer in main()]

print(json.dumps(asyncio.run(collect())))
"""


def answers(directory: Path, part: dict[str, Any]) -> dict[str, Any]:
    """Return the status of every endpoint of an extended copy of the service."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(directory / "data"), json.dumps(part)],
        env=os.environ | {"PYTHONPATH": str(directory)},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    replies = dict(json.loads(done.stdout))
    assert len(replies) > 20
    codes = {name: code for name, code in replies.items() if isinstance(code, int)}
    assert {name: code for name, code in codes.items() if code > 201} == {}
    return replies


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a directory with a copy of the service."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE, tmp_path / "service", ignore=ignored)
    return tmp_path


def extend(copy: Path, file: str, text: str) -> None:
    path = copy / "service" / file
    path.write_text(path.read_text() + text)


@pytest.mark.parametrize("name", ["leaky_relu", "arctan"])
def test_every_endpoint_accepts_a_new_activation(copy: Path, name: str) -> None:
    extend(copy, "engine/network/activations.py", ACTIVATIONS)
    replies = answers(copy, {"network": {"activation": name}})
    assert name in json.loads(replies["schema"])["components"]["schemas"]["Activation"]["enum"]
    assert f'<option value="{name}">' in replies["page"]


def test_every_endpoint_accepts_a_new_kind_of_dataset(copy: Path) -> None:
    path = copy / "service/schemas/datasets.py"
    source = path.read_text()
    assert UNION in source
    source = source.replace("\nOneTargetDataset: TypeAlias = ", DATASET)
    path.write_text(source.replace(UNION, f"OnesDataset | {UNION}"))
    replies = answers(copy, {"dataset": {"kind": "ones"}})
    assert "OnesDataset" in json.loads(replies["schema"])["components"]["schemas"]


def test_every_picture_has_a_new_format(copy: Path) -> None:
    extend(copy, "figures/formats.py", FORMATS)
    replies = answers(copy, {})
    assert len([path for path in replies if path.endswith(".webp")]) == 2  # of a run and of a map
    assert "/v1/cost-surface.{suffix}" in replies["schema"]
    assert '"image/webp"' in replies["schema"]
