"""Mixed traffic for Locust: what students, pages and scripts request. ``make load`` runs it."""

import random
from typing import Any

from locust import FastHttpUser, between, task

SEQUENCE = {"inputs": [[0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1]]}
RUNS = "/v1/training-runs"
SEEDS = 2000  # requests repeat, as they do in a class


class Student(FastHttpUser):
    """Sends a request about two seconds after the last response.

    The pauses are random. At a constant pace all clients would stay in step, and what is measured
    would be bursts.
    """

    wait_time = between(1, 3)

    def on_start(self) -> None:
        """Train the tutorial's run, which later requests refer to."""
        self.run_id = self.client.post(RUNS, json={}).json()["id"]

    def _seed(self) -> int:
        return random.randrange(SEEDS)  # noqa: S311 - not for security

    def _get(self, path: str, name: str) -> Any:
        return self.client.get(path, name=name)

    @task(10)
    def predict(self) -> None:
        """Predict one sequence."""
        self.client.post("/v1/predict", json=SEQUENCE)

    @task(4)
    def train(self) -> None:
        """Train on other data."""
        self.client.post(RUNS, json={"dataset": {"seed": self._seed()}}, name=f"POST {RUNS}")

    @task(4)
    def trace(self) -> None:
        """Trace gradients."""
        self._get(f"/v1/gradient-trace?seed={self._seed()}", "/v1/gradient-trace")

    @task(2)
    def picture(self) -> None:
        """Draw a cost surface."""
        self._get(f"/v1/cost-surface.png?seed={self._seed()}", "/v1/cost-surface.png")

    @task(4)
    def status(self) -> None:
        """Describe a run."""
        self._get(f"{RUNS}/{self.run_id}", f"{RUNS}/{{run_id}}")

    @task(2)
    def health(self) -> None:
        """Probe the service, as an orchestrator does."""
        self._get("/livez", "/livez")

    @task(1)
    def job(self) -> None:
        """Submit a job, and read its events until it has finished."""
        body = {"dataset": {"seed": self._seed()}, "n_iterations": 1000}
        headers = {"prefer": "respond-async"}
        response = self.client.post(RUNS, json=body, headers=headers, name=f"POST {RUNS} (job)")
        path = f"{RUNS}/{response.json()['id']}/events"
        self._get(path, f"{RUNS}/{{run_id}}/events")
