"""The examples in deploy/: alerts, dashboard, manifests, proxy."""

import json
import os
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from prometheus_client.core import Metric

from service.api import bodies, files
from service.api.metrics import Metrics
from service.cli.serving import serve
from service.rendering.pool import RenderPool
from service.scheduling import Scheduler
from service.settings import PREFIX, Settings
from service.store import Database
from tests.programs import needs

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
MANIFESTS = ("api.yaml", "worker.yaml", "autoscaling.yaml")
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


def names(family: Metric) -> list[str]:
    return [family.name + suffix for suffix in SUFFIXES[family.type]]


@pytest.fixture(scope="module")
def metric_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the names of all metrics of the service."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('data') / 'a.sqlite3'}")
    database.migrate()
    metrics = Metrics(Scheduler(1, 1), RenderPool(0, 1), database, lambda: 0)
    metric_names = set(chain.from_iterable(map(names, metrics.registry.collect())))
    database.close()
    return metric_names


def manifests() -> list[dict[str, Any]]:
    texts = ((KUBERNETES / name).read_text() for name in MANIFESTS)
    return list(chain.from_iterable(map(yaml.safe_load_all, texts)))


@needs("promtool")
def test_the_alerts_fire_when_they_should() -> None:
    for command in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]):
        result = subprocess.run(
            ["promtool", *command],
            cwd=DEPLOY / "prometheus",
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr


def test_every_alert_has_a_test() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    tests = yaml.safe_load((DEPLOY / "prometheus/alerts.test.yaml").read_text())["tests"]
    fired = {
        case["alertname"]
        for test in tests
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert fired == alerts


@pytest.mark.parametrize(
    "file",
    [
        "prometheus/alerts.yaml",
        "grafana/dashboard.json",
        "kubernetes/prometheus-adapter.values.yaml",
    ],
)
def test_metrics_exist(file: str, metric_names: set[str]) -> None:
    used = set(re.findall(r"\b(?:rnn|process)_[a-z_]+\b", (DEPLOY / file).read_text()))
    assert used
    assert used - metric_names <= {"rnn_jobs_unfinished"}  # which the adapter makes


def test_the_dashboard_shows_every_metric(metric_names: set[str]) -> None:
    dashboard = json.loads((DEPLOY / "grafana/dashboard.json").read_text())
    text = " ".join(t["expr"] for panel in dashboard["panels"] for t in panel["targets"])
    shown = {name for name in metric_names if re.search(rf"\b{name}\b", text)}
    own = {name for name in metric_names if name.startswith("rnn_")}
    assert {name.removesuffix("_count").removesuffix("_sum") for name in own - shown} <= {
        "rnn_http_request_duration_seconds"
    }
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_the_kustomization_is_complete() -> None:
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    assert kustomization["resources"] == list(MANIFESTS)
    for literal in kustomization["configMapGenerator"][0]["literals"]:
        name, _, value = literal.partition("=")
        assert name.startswith(PREFIX)
        Settings.model_validate({name.removeprefix(PREFIX).lower(): value})


def test_selectors_and_targets_match() -> None:
    documents = manifests()
    deployments = {d["metadata"]["name"]: d["spec"] for d in documents if d["kind"] == "Deployment"}
    labels = [spec["template"]["metadata"]["labels"] for spec in deployments.values()]
    for document in documents:
        spec = document["spec"]
        if document["kind"] == "HorizontalPodAutoscaler":
            assert spec["scaleTargetRef"]["name"] in deployments
        elif document["kind"] == "Service":
            assert spec["selector"] in labels
        else:
            assert spec["selector"]["matchLabels"] in labels


def test_the_api_has_space_for_bodies_and_files() -> None:
    """Above its size limit, a volume lets Kubernetes end the pod."""
    (api,) = [
        d
        for d in manifests()
        if d["metadata"]["name"] == "linear-rnn-api" and "template" in d["spec"]
    ]
    (volume,) = api["spec"]["template"]["spec"]["volumes"]
    assert volume["emptyDir"]["sizeLimit"] == "6Gi"
    assert bodies.DISK_BYTES + files.DISK_BYTES < 6 * 2**30


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_manifests_match_the_schemas_of_kubernetes(version: str) -> None:
    for document in manifests():
        kubernetes_validate.validate(document, version, strict=True)


@needs("nginx")
@needs("openssl")
def test_nginx_accepts_the_configuration(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = ["-nodes", "-newkey", "rsa:2048", "-subj", "/CN=rnn.example.org"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", *request, *files]
    subprocess.run(command, capture_output=True, check=True)
    text = (DEPLOY / "nginx/linear-rnn.conf").read_text()
    text = re.sub(r"/etc/ssl/certs/\S+(?=;)", str(certificate), text)
    text = re.sub(r"/etc/ssl/private/\S+(?=;)", str(key), text)
    config = tmp_path / "nginx.conf"
    config.write_text(f"pid {tmp_path}/pid; events {{}} http {{ access_log off; {text} }}")
    command = ["nginx", "-t", "-c", str(config), "-e", "stderr"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@needs("systemd-analyze")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("linear-rnn")
    unit = tmp_path / "linear-rnn.service"
    text = (DEPLOY / "systemd/linear-rnn.service").read_text()
    unit.write_text(text.replace("/opt/linear-rnn/bin/linear-rnn", str(program)))
    for command in (["verify"], ["security", "--offline=yes", "--threshold=20"]):
        done = subprocess.run(
            ["systemd-analyze", *command, str(unit)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_unit_starts_the_service_in_its_own_directory() -> None:
    text = (DEPLOY / "systemd/linear-rnn.service").read_text()
    unit = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    program, command, *arguments = unit["ExecStart"].split()
    assert program.endswith("/linear-rnn")
    assert command == "serve"
    options = serve.make_context(command, arguments).params
    assert options["data_dir"] == f"/var/lib/{unit['StateDirectory']}"
    stop = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["x-program"]
    assert f"{unit['TimeoutStopSec']}s" == stop["stop_grace_period"]


@pytest.mark.parametrize("file", [".github/workflows/ci.yml", ".gitlab-ci.yml"])
def test_forges_run_the_one_script(file: str) -> None:
    text = (ROOT / file).read_text()
    assert re.search(r"^\s+- (run: )?\.ci/run$", text, re.MULTILINE)
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_the_database_of_compose_has_no_default_password() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    # Its image refuses to start with an empty one.
    given = services["postgres"]["environment"].items()
    assert ("POSTGRES_PASSWORD", "${POSTGRES_PASSWORD:-}") in given
