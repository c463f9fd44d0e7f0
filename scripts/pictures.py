"""Write the pictures in docs/images: ``.venv/bin/python scripts/pictures.py``.

The service draws them. ``scripts/screenshots.py`` takes the pictures of the explorer.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from service.app import create_app
from service.settings import Settings

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
ADVERTISING = ROOT / "service" / "explorer" / "fit_examples" / "advertising.csv"
COLUMNS = {"kind": "series", "target": "sales", "inputs": "tv,search", "time": "week"}
WINDOW = {"w_in": {"low": -2, "high": 3}, "w_rec": {"low": -0.5, "high": 2.5}}
CLIP = {"by": "norm", "threshold": 1}
RACE: list[dict[str, Any]] = [
    {},
    {"optimizer": {"name": "irprop_minus"}},
    {"optimizer": {"name": "gradient_descent"}, "clip": CLIP},
    {"optimizer": {"name": "adam"}, "clip": CLIP},
]


async def request_pictures(client: httpx.AsyncClient) -> dict[str, bytes]:
    """Return every picture by file name."""

    async def create(path: str, request: dict[str, Any]) -> str:
        response = await client.post(path, json=request)
        return str(response.raise_for_status().json()["id"])

    async def get_picture(path: str, **options: Any) -> bytes:
        response = await client.get(f"{path}.png", params={"dpi": 150, **options})
        return response.raise_for_status().content

    async def get_race(runs: list[str]) -> bytes:
        response = await client.post(
            "/v1/cost-surface.png",
            json={"windows": [WINDOW], "points": [], "runs": runs},
            params={"dpi": 150, "width": 720, "height": 520, "title": "Four from (−1.5, 2)"},
        )
        return response.raise_for_status().content

    async def fit_sales() -> str:
        table, headers = ADVERTISING.read_bytes(), {"content-type": "text/csv"}
        response = await client.post("/v1/datasets", params=COLUMNS, content=table, headers=headers)
        dataset = {"kind": "stored", "id": response.raise_for_status().json()["id"]}
        return await create("/v1/fits", {"dataset": dataset})

    runs = [await create("/v1/training-runs", request) for request in RACE]
    basins = await create("/v1/basin-maps", {})
    fit = await fit_sales()
    return {
        "cost-surface.png": await get_picture("/v1/cost-surface"),
        "gradient-trace.png": await get_picture("/v1/gradient-trace"),
        "trajectory.png": await get_picture(f"/v1/training-runs/{runs[0]}/trajectory"),
        "optimizer-race.png": await get_race(runs),
        "basin-map.png": await get_picture(f"/v1/basin-maps/{basins}"),
        "fit.png": await get_picture(f"/v1/fits/{fit}"),
        "fit-profile.png": await get_picture(f"/v1/fits/{fit}/profile"),
        "fit-response.png": await get_picture(f"/v1/fits/{fit}/response"),
        "fit-contributions.png": await get_picture(f"/v1/fits/{fit}/contributions"),
    }


async def main() -> None:
    """Start the application on an empty directory and write the pictures."""
    with TemporaryDirectory() as data:
        app = create_app(Settings(data_dir=Path(data), max_sync_seconds=60))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:
                for name, content in (await request_pictures(client)).items():
                    (IMAGES / name).write_bytes(content)


if __name__ == "__main__":
    asyncio.run(main())
