"""Ask the service for the pictures in docs/images: .venv/bin/python scripts/pictures.py.

Nothing here draws. Those of the explorer are taken by ``scripts/screenshots.py``.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from service.app import create_app
from service.settings import Settings

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WINDOW = {"w_in": {"low": -2, "high": 3}, "w_rec": {"low": -0.5, "high": 2.5}}
CLIP = {"by": "norm", "threshold": 1}
RACE: list[dict[str, Any]] = [
    {},
    {"optimizer": {"name": "irprop_minus"}},
    {"optimizer": {"name": "gradient_descent"}, "clip": CLIP},
    {"optimizer": {"name": "adam"}, "clip": CLIP},
]


async def pictures(client: httpx.AsyncClient) -> dict[str, bytes]:
    """Return every picture by the name of its file."""

    async def kept(path: str, question: dict[str, Any]) -> str:
        answer = await client.post(path, json=question)
        return str(answer.raise_for_status().json()["id"])

    async def picture(path: str, **look: Any) -> bytes:
        answer = await client.get(f"{path}.png", params={"dpi": 150, **look})
        return answer.raise_for_status().content

    async def race(runs: list[str]) -> bytes:
        answer = await client.post(
            "/v1/cost-surface.png",
            json={"windows": [WINDOW], "points": [], "runs": runs},
            params={"dpi": 150, "width": 720, "height": 520, "title": "Four from (−1.5, 2)"},
        )
        return answer.raise_for_status().content

    runs = [await kept("/v1/training-runs", question) for question in RACE]
    basins = await kept("/v1/basin-maps", {})
    return {
        "cost-surface.png": await picture("/v1/cost-surface"),
        "gradient-trace.png": await picture("/v1/gradient-trace"),
        "trajectory.png": await picture(f"/v1/training-runs/{runs[0]}/trajectory"),
        "optimizer-race.png": await race(runs),
        "basin-map.png": await picture(f"/v1/basin-maps/{basins}"),
    }


async def main() -> None:
    """Start the application on data of its own and write the pictures."""
    with TemporaryDirectory() as data:
        app = create_app(Settings(data_dir=Path(data)))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
                for name, content in (await pictures(client)).items():
                    (IMAGES / name).write_bytes(content)


if __name__ == "__main__":
    asyncio.run(main())
