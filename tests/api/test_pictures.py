"""Pictures, tables and archives: their formats, their look, and caching."""

import io
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image
from pypdf import PdfReader

from service.api.examples import DATASET_ID, MAP_ID, RUN_ID
from service.figures import RENDERER_VERSION

pytestmark = pytest.mark.usefixtures("examples")

SURFACE, TRACE = "/v1/cost-surface", "/v1/gradient-trace"
TRAJECTORY = f"/v1/training-runs/{RUN_ID}/trajectory"
MAP = f"/v1/basin-maps/{MAP_ID}"
MEDIA = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
PICTURES = [SURFACE, TRACE, TRAJECTORY, MAP]
CONTENTS = [
    f"{TRACE}.csv",
    f"{TRACE}.svg",
    f"{SURFACE}.npz",
    f"{SURFACE}.png?width=400&height=300",
    f"{TRAJECTORY}.csv",
    f"{TRAJECTORY}.svg",
    f"{MAP}.npz",
    f"{MAP}.png",
    f"/v1/datasets/{DATASET_ID}.csv",
    f"/v1/datasets/{DATASET_ID}.npz",
]


@pytest.mark.parametrize("suffix", MEDIA)
@pytest.mark.parametrize("path", PICTURES)
def test_every_picture_in_every_format(api: Any, path: str, suffix: str) -> None:
    response = api.get(f"{path}.{suffix}?width=640&height=400&dpi=150")
    assert response.status_code == 200
    assert response.headers["content-type"] == MEDIA[suffix]
    if suffix == "png":
        picture = Image.open(io.BytesIO(response.content))
        assert picture.size == (960, 600)  # 150 pixels for 100 of width
        assert len(picture.convert("RGB").getcolors(10**6) or []) > 20
    elif suffix == "svg":
        assert ElementTree.fromstring(response.content).tag.endswith("svg")  # noqa: S314
    else:
        assert len(PdfReader(io.BytesIO(response.content)).pages) == 1


def test_options_change_the_picture(api: Any) -> None:
    light = api.get(f"{TRACE}.png").content
    dark = api.get(f"{TRACE}.png?theme=dark").content
    corners = [Image.open(io.BytesIO(each)).convert("L").tobytes()[0] for each in (light, dark)]
    assert corners[0] == 255
    assert corners[1] < 64
    titled = api.get(f"{TRACE}.svg", params={"title": "My <own> & title"}).text
    assert "My &lt;own&gt; &amp; title" in titled


@pytest.mark.parametrize("path", PICTURES)
@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("width=319", "width"),
        ("width=400&width=500", "width"),
        ("theme=blue", "theme"),
        ("color=red", "color"),
    ],
)
def test_invalid_options_are_refused(api: Any, path: str, query: str, parameter: str) -> None:
    api.refused(api.get(f"{path}.png?{query}"), parameter)


@pytest.mark.parametrize("path", [f"{TRACE}.csv", f"{TRAJECTORY}.csv"])
def test_tables_and_archives_have_no_picture_options(api: Any, path: str) -> None:
    for name, value in (("width", 400), ("dpi", 200), ("theme", "dark"), ("title", "x")):
        api.refused(api.get(f"{path}?{name}={value}"), name, "pictures")
    assert api.get(f"{path}?dpi=100&theme=light").content == api.get(path).content
    for other in (f"/v1/datasets/{DATASET_ID}.csv", f"{SURFACE}.npz"):
        api.refused(api.get(f"{other}?width=400"), "width", "Unknown query parameter")


def test_pictures_take_no_resolution(api: Any) -> None:
    for suffix in MEDIA:
        refused = api.get(f"{SURFACE}.{suffix}?resolution=50")
        api.refused(refused, "resolution", "Unknown query parameter")
        body = {"windows": [{}, {"resolution": 100}]}
        api.refused(api.post(f"{SURFACE}.{suffix}", body), "/windows/1/resolution", "Unknown field")
    assert api.get(f"{SURFACE}.npz?resolution=50").status_code == 200


@pytest.mark.parametrize("path", [SURFACE, TRACE, TRAJECTORY, MAP, f"/v1/datasets/{DATASET_ID}"])
def test_unknown_suffixes(api: Any, path: str) -> None:
    others = ("csv",) if path in (SURFACE, MAP) else ("npz",) if path in (TRACE, TRAJECTORY) else ()
    for suffix in ("jpg", "PNG", "json", "png.png", "x" * 500, "%00", *others):
        response = api.get(f"{path}.{suffix}")
        assert response.status_code == 404
        assert response.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize("path", CONTENTS)
def test_a_matching_etag_is_not_modified(api: Any, path: str) -> None:
    first, second = api.get(path), api.get(path)
    etag = first.headers["etag"]
    assert etag.startswith('"')
    assert etag.endswith('"')
    assert first.headers["cache-control"] == second.headers["cache-control"] == "max-age=300"
    assert second.headers["etag"] == etag
    assert second.content == first.content
    lines = [("if-none-match", '"x"'), ("if-none-match", etag)]
    assert api.get(path, headers=lines).status_code == 304
    for given in (etag, f'"x", {etag}', f"W/{etag}", "*", f'{etag},"y"'):
        for method in ("GET", "HEAD"):
            response = api.request(method, path, headers={"if-none-match": given})
            assert response.status_code == 304
            assert response.content == b""
            assert response.headers["etag"] == etag
            assert response.headers["cache-control"] == "max-age=300"
    for given in ('"x"', etag.strip('"'), "", etag[:-2] + '"'):
        assert api.get(path, headers={"if-none-match": given}).status_code == 200


def test_a_wildcard_etag_does_not_hide_errors(make_api: Any) -> None:
    api = make_api(max_work_seconds=0.02, max_picture_seconds=0.02, max_steps=1000, max_grid=200)
    anything = {"if-none-match": "*"}
    missing, run = f"dataset=ds_{'0' * 32}", f"run=run_{'0' * 32}"
    for path, query, status in (
        (TRACE, "csv?n_steps=1001", 422),
        (TRACE, "svg?n_steps=1001", 422),
        (TRACE, "csv?n_steps=1000&n_samples=1000", 422),
        (TRACE, "svg?n_steps=1000&n_samples=1000", 422),
        (TRACE, f"csv?{missing}", 404),
        (TRACE, f"svg?{missing}", 404),
        (SURFACE, "npz?resolution=201", 422),
        (SURFACE, "npz?n_steps=1001", 422),
        (SURFACE, "png?n_steps=1001", 422),
        (SURFACE, f"npz?{missing}", 404),
        (SURFACE, f"npz?{run}", 404),
        (SURFACE, f"png?{run}", 404),
    ):
        assert api.get(f"{path}.{query}", headers=anything).status_code == status, query
    for path in (f"/v1/training-runs/run_{'0' * 32}/trajectory.png", "/v1/datasets/ds_1.csv"):
        assert api.get(path, headers=anything).status_code == 404
    assert api.get(f"{TRACE}.csv", headers=anything).status_code == 304
    assert api.get(f"{SURFACE}.npz?resolution=9", headers=anything).status_code == 304


def test_an_etag_depends_on_the_request(api: Any) -> None:
    options = "theme=dark width=500 title=x seed=2 point=1,2 aggregation=tutorial activation=tanh"
    queries = ["svg", "png", "csv", *(f"svg?{option}" for option in options.split())]
    responses = [api.get(f"{TRACE}.{query}") for query in queries]
    assert len({response.headers["etag"] for response in responses}) == len(responses)
    other_surfaces: list[Any] = [
        {},
        {"dataset": {"seed": 2}},
        {"windows": [{"w_in": {"low": 0, "high": 2}}]},
        {"points": []},
        {"runs": [RUN_ID]},
        {"runs": [RUN_ID], "marks": []},
    ]
    surfaces = [api.post(f"{SURFACE}.png?width=320", body) for body in other_surfaces]
    assert len({response.headers["etag"] for response in surfaces}) == len(surfaces)
    same = [
        api.get(f"{TRACE}.svg?seed=1&n_samples=20.0"),
        api.post(f"{TRACE}.svg", {"dataset": {"noise": 0.0}}),
        api.post(f"{TRACE}.svg"),
    ]
    assert {response.headers["etag"] for response in same} == {responses[0].headers["etag"]}
    assert {response.content for response in same} == {responses[0].content}


def test_runs_are_drawn_over_the_surface(api: Any) -> None:
    other = api.post("/v1/training-runs", {"optimizer": {"name": "adam"}, "clip": {}}).json()["id"]
    plain = api.get(f"{SURFACE}.svg")
    drawn = api.get(f"{SURFACE}.svg?run={RUN_ID}&run={other}")
    posted = api.post(f"{SURFACE}.svg", {"runs": [RUN_ID, other]})
    assert drawn.content == posted.content
    assert len({plain.headers["etag"], drawn.headers["etag"]}) == 2
    for name in ("Rprop", "Adam"):
        assert name in drawn.text
        assert name not in plain.text
    turned = api.get(f"{SURFACE}.svg?run={other}&run={RUN_ID}")
    assert turned.headers["etag"] != drawn.headers["etag"]


@pytest.mark.parametrize(
    "query",
    [
        *(f"{SURFACE}.png?{query}" for query in ("n_steps=1000&w_rec=-50,50", "n_steps=2000")),
        *(f"{path}.png?n_steps=1&n_samples=1" for path in (SURFACE, TRACE)),
        f"{TRACE}.png?n_steps=2000",
    ],
)
def test_pictures_of_costs_outside_float64(api: Any, query: str) -> None:
    assert api.get(query).status_code == 200


def test_a_picture_above_the_work_limit_is_approximated(make_api: Any) -> None:
    exact, api = make_api(max_picture_seconds=60), make_api(max_picture_seconds=1)
    query = "activation=tanh&n_samples=60&n_steps=20&width=320&height=240"
    coarse = api.get(f"{SURFACE}.svg?{query}")
    assert "<!-- cost at every" in coarse.text
    fine = exact.get(f"{SURFACE}.svg?{query}")
    assert "<!-- cost at every" not in fine.text
    assert coarse.headers["etag"] != fine.headers["etag"]
    assert b"cost at every" in api.get(f"{SURFACE}.png?{query}").content


def test_the_size_of_the_work_chooses_a_picture_and_not_its_budget(make_api: Any) -> None:
    generous, api = make_api(max_picture_seconds=60), make_api(max_picture_seconds=0.5)
    for query in ("width=320&height=240", "activation=tanh&width=320&height=240"):
        responses = [each.get(f"{SURFACE}.png?{query}") for each in (generous, api)]
        assert responses[0].content == responses[1].content
        assert {each.headers["cache-control"] for each in responses} == {"max-age=300"}


def test_a_picture_that_takes_longer_than_its_size_says_is_not_cached(
    make_api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = make_api(max_picture_seconds=2)
    drawn, pool = [], api.app.state.service.render_pool
    draw = pool.draw

    def count(prepared: Any) -> Any:
        drawn.append(prepared)
        return draw(prepared)

    path = f"{SURFACE}.png?activation=tanh&n_samples=1000&n_steps=50&width=320&height=240"
    with monkeypatch.context() as patch:
        # As on a machine that is a thousand times slower than the estimates
        patch.setattr("service.operations.shared.work_estimates.STATE", 8e-12)
        patch.setattr("service.operations.shared.work_estimates.CALL", 1e-8)
        patch.setattr(pool, "draw", count)
        coarse, *others = api.at_once("GET", path, 3)
    assert len(drawn) == 1
    assert {each.content for each in others} == {coarse.content}
    assert coarse.status_code == 200
    assert b"cost at every" in coarse.content
    assert coarse.headers["cache-control"] == "no-store"
    assert coarse.headers["etag"].startswith('W/"')
    fine = api.get(path, headers={"if-none-match": coarse.headers["etag"]})
    assert fine.status_code == 200
    assert fine.headers["cache-control"] == "max-age=300"
    assert not fine.headers["etag"].startswith("W/")
    assert fine.headers["etag"] not in coarse.headers["etag"]
    assert fine.content != coarse.content
    assert api.get(path).content == fine.content


def test_a_finished_run_can_be_drawn_whatever_its_cost_takes(make_api: Any) -> None:
    trained = make_api()
    network = {"activation": "tanh"}
    dataset = {"kind": "count_ones", "n_samples": 400, "n_steps": 50}
    body = {"network": network, "dataset": dataset, "n_iterations": 3}
    run_id = trained.post("/v1/training-runs", json=body).json()["id"]
    api = make_api(max_picture_seconds=4)
    for path in (
        f"/v1/training-runs/{run_id}/trajectory.svg",
        f"{SURFACE}.svg?run={run_id}&activation=tanh&n_samples=400&n_steps=50",
    ):
        drawn = api.get(path)
        assert drawn.status_code == 200
        assert "cost at every" in drawn.text


def test_cached_pictures_of_deleted_data_are_not_found(make_api: Any) -> None:
    api = make_api()
    dataset = api.post("/v1/datasets", {"seed": 9}).json()["id"]
    run = api.post("/v1/training-runs", {"n_iterations": 3}).json()["id"]
    paths = [
        f"{SURFACE}.png?dataset={dataset}",
        f"{TRACE}.png?dataset={dataset}",
        f"{SURFACE}.png?run={run}",
        f"/v1/training-runs/{run}/trajectory.png",
    ]
    etags = [api.get(path).headers["etag"] for path in paths]
    api.delete(f"/v1/datasets/{dataset}")
    api.delete(f"/v1/training-runs/{run}")
    for path, etag in zip(paths, etags, strict=True):
        assert api.get(path).status_code == 404
        assert api.get(path, headers={"if-none-match": etag}).status_code == 404


def test_an_etag_changes_with_the_renderer(monkeypatch: pytest.MonkeyPatch, api: Any) -> None:
    before = api.get(f"{TRACE}.svg?seed=11").headers["etag"]
    module = "service.operations.shared.downloads"
    monkeypatch.setattr(f"{module}.RENDERER_VERSION", RENDERER_VERSION + 1)
    assert api.get(f"{TRACE}.svg?seed=11").headers["etag"] != before
