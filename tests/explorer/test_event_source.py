"""The EventSource of a browser, which connects again by itself."""

import httpx
import pytest
from playwright.sync_api import Page

# It ends when the server has said that there is nothing more.
FOLLOW = """path => new Promise((resolve, reject) => {
  const seen = [];
  const source = new EventSource(path);
  const note = event => seen.push([event.type, event.lastEventId, JSON.parse(event.data)]);
  source.addEventListener("progress", note);
  source.addEventListener("done", note);
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) resolve(seen);
  };
})"""


@pytest.mark.slow
def test_an_event_source_follows_a_job_to_its_end(page: Page, api: httpx.Client) -> None:
    request = {"n_iterations": 900_000, "record_every": 100, "dataset": {"seed": 4711}}
    headers = {"prefer": "respond-async"}
    accepted = api.post("/v1/training-runs", json=request, headers=headers)
    assert accepted.status_code == 202
    events = page.evaluate(FOLLOW, accepted.json()["links"]["events"])
    assert [kind for kind, _, _ in events] == ["progress"] * (len(events) - 1) + ["done"]
    assert len(events) > 1
    done = [data["done"] for kind, _, data in events if kind == "progress"]
    assert done == sorted(done)
    assert [event_id for kind, event_id, _ in events if kind == "progress"] == list(map(str, done))
    _, last_id, run = events[-1]
    assert (last_id, run["status"]) == ("done", "succeeded")
    assert run == api.get(accepted.json()["links"]["self"]).json()
    assert api.delete(run["links"]["self"]).status_code == 204  # so that the test can be repeated
