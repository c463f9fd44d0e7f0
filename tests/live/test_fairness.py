"""Short jobs beside long ones, and a limited queue, with real workers."""

import pytest

from tests.live.conftest import ENDLESS, Start, has_progress, is_finished


@pytest.mark.slow
def test_a_short_job_does_not_wait_for_long_ones(start: Start) -> None:
    server = start(2, max_queued_jobs=4)
    # At least two minutes each.
    long_ones = [server.submit(**ENDLESS, initial_weights={"w_in": n / 8})["id"] for n in range(4)]
    for run_id in long_ones[:2]:
        server.wait_for_run(run_id, has_progress)
    short = server.submit(n_iterations=20)
    assert server.wait_for_run(short["id"], is_finished)["status"] == "succeeded"
    # The one that yielded resumes from its checkpoint. Whether jobs that came later go first
    # depends on how long they turn out to take.
    for run_id in long_ones[2:]:
        assert server.client.post(f"/v1/training-runs/{run_id}/cancel").status_code == 202
    done = [server.get_run(run_id)["progress"]["done"] for run_id in long_ones[:2]]
    for run_id, before in zip(long_ones[:2], done, strict=True):
        run = server.wait_for_run(
            run_id, lambda run, b=before: run["progress"]["done"] > b and run["status"] == "running"
        )
        assert run["attempt"] == 1
