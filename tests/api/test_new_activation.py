"""A new activation is an entry of one registry: every endpoint then accepts it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import service

SOURCE = Path(service.__file__).parent
REGISTRY = "engine/network/activations.py"
ENTRY = """
ACTIVATIONS = make_registry(
    **ACTIVATIONS,
    leaky_relu=Activation(
        lambda z: np.maximum(z, 0.1 * z), lambda z: np.where(z > 0.0, 1.0, 0.1)
    ),
    arctan=Activation(
        np.arctan, lambda z: 1.0 / np.hypot(1.0, z) ** 2, lambda z: -2.0 * np.log(np.hypot(1.0, z))
    ),
)
"""
PROGRAM = """
import asyncio, json, sys
from pathlib import Path
import httpx
from service.app import create_app
from service.settings import Settings

NETWORK = {"activation": sys.argv[2]}
SMALL = {"network": NETWORK, "n_iterations": 5}
REQUESTS = [
    ("predict", {"model": NETWORK, "return_states": True}),
    ("evaluate", {"network": NETWORK}),
    ("gradient-trace", {"network": NETWORK}),
    ("gradient-trace.csv", {"network": NETWORK}),
    ("gradient-trace.svg", {"network": NETWORK}),
    ("gradient-check", {"network": NETWORK}),
    ("cost-surface", {"network": NETWORK}),
    ("cost-surface.npz", {"network": NETWORK}),
    ("cost-surface.png", {"network": NETWORK}),
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
        schema = (await client.get("/openapi.json")).json()
        yield "schema", sys.argv[2] in schema["components"]["schemas"]["Activation"]["enum"]
        yield "page", f'<option value="{sys.argv[2]}">' in (await client.get("/")).text

async def collect():
    return [answer async for answer in main()]

print(json.dumps(asyncio.run(collect())))
"""


@pytest.mark.parametrize("name", ["leaky_relu", "arctan"])
def test_every_endpoint_accepts_a_new_activation(tmp_path: Path, name: str) -> None:
    copy = tmp_path / "service"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / REGISTRY).open("a") as file:
        file.write(ENTRY)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path / "data"), name],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert len(answers) > 20
    assert [answer for answer in answers if answer[1] not in (200, 201, True)] == []
