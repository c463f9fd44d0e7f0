"""The files around the code: deploy/, containers, locks, Makefile, set-up script."""

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from prometheus_client.core import Metric

from scripts.release import LOCKS, check_locks, read_pins
from service.api import files, requests
from service.api.metrics import Metrics
from service.cli.serving import serve
from service.rendering.pool import RenderPool
from service.scheduling.scheduler import Scheduler
from service.settings import PREFIX, Settings
from service.store import Database
from tests.programs import needs, run_program

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
MANIFESTS = ("api.yaml", "worker.yaml", "autoscaling.yaml")
SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_count", "_sum"),
    "gauge": ("",),
    "info": ("_info",),
}


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
        result = run_program("promtool", *command, cwd=DEPLOY / "prometheus", check=False)
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
    named = [d["spec"] for d in manifests() if d["metadata"]["name"] == "linear-rnn-api"]
    (api,) = (spec["template"]["spec"] for spec in named if "template" in spec)
    (volume,) = api["volumes"]
    assert volume["emptyDir"]["sizeLimit"] == "6Gi"
    assert requests.DISK_BYTES + files.DISK_BYTES < 6 * 2**30


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
    result = run_program(*command, check=False)
    assert result.returncode == 0, result.stderr


@needs("systemd-analyze")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("linear-rnn")
    unit = tmp_path / "linear-rnn.service"
    text = (DEPLOY / "systemd/linear-rnn.service").read_text()
    unit.write_text(text.replace("/opt/linear-rnn/bin/linear-rnn", str(program)))
    for command in (["verify"], ["security", "--offline=yes", "--threshold=20"]):
        done = run_program("systemd-analyze", *command, str(unit), check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_unit_starts_the_service_in_its_own_directory() -> None:
    text = (DEPLOY / "systemd/linear-rnn.service").read_text()
    unit = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    program, command, *arguments = unit["ExecStart"].split()
    assert program.endswith("/linear-rnn")
    assert command == "serve"
    options = serve.make_context(command, arguments).params
    assert options["data_dir"] == f"/var/lib/{unit['StateDirectory']}"
    assert f"{unit['TimeoutStopSec']}s" == COMPOSE["x-program"]["stop_grace_period"]


@pytest.mark.parametrize("file", [".github/workflows/ci.yml", ".gitlab-ci.yml"])
def test_forges_run_the_one_script(file: str) -> None:
    text = (ROOT / file).read_text()
    assert re.search(r"^\s+- (run: )?\.ci/run$", text, re.MULTILINE)


def test_the_database_of_compose_has_no_default_password() -> None:
    # Its image refuses to start with an empty one.
    given = COMPOSE["services"]["postgres"]["environment"].items()
    assert ("POSTGRES_PASSWORD", "${POSTGRES_PASSWORD:-}") in given


DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_locks_satisfy_the_requirements() -> None:
    assert check_locks(ROOT) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    blocks = re.findall(r"^[a-z0-9].*\n(?:[ \t].*\n)*", text, re.MULTILINE)
    assert len(blocks) == sum(map(len, read_pins(ROOT / lock).values())) > 20
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_the_development_lock_contains_the_run_lock() -> None:
    run, development = (read_pins(ROOT / lock) for lock in LOCKS)
    for name, pinned in run.items():
        assert {str(pin) for pin in pinned} <= {str(pin) for pin in development[name]}


def test_no_file_names_a_registry() -> None:
    """The machine decides where packages come from (a mirror, a cache), not the project."""
    names = ["pypi org", "pythonhosted org", "npmjs org", "docker io", "ghcr io", "quay io"]
    hosts = [name.replace(" ", ".") for name in [*names, "deb debian org"]]
    patterns = [option for host in hosts for option in ("-e", host)]
    command = ["git", "grep", "-IlF", *patterns]
    done = run_program(*command, cwd=ROOT, check=False)
    assert done.stdout == ""
    assert done.returncode == 1  # nothing matches


def test_make_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    phony = re.search(r"^\.PHONY:(.*)$", text, re.MULTILINE)
    assert phony is not None
    done = run_program("make", "help", cwd=ROOT)
    listed = re.findall(r"^make ([\w-]+) +\S", done.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(phony[1].split())
    assert {"run", "test", "check", "lock", "openapi", "oracles", "clean"} <= set(listed)


def set_up(path: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = ["/bin/sh", "scripts/setup.sh", "nowhere/.venv", "requirements.lock"]
    return run_program(*command, cwd=ROOT, env={"PATH": path, **variables}, check=False)


def test_set_up_names_what_is_missing_without_python(tmp_path: Path) -> None:
    for tool in ["dirname", "rm"]:
        folder = next(p for p in [Path("/usr/bin"), Path("/bin")] if (p / tool).exists())
        (tmp_path / tool).symlink_to(folder / tool)
    done = set_up(str(tmp_path))
    assert done.returncode != 0
    assert "Python 3.11 or newer with pip is required, but was not found." in done.stderr
    assert not (ROOT / "nowhere").exists()


def test_set_up_refuses_a_named_python_that_is_unsuitable() -> None:
    done = set_up(os.environ["PATH"], PYTHON="/bin/false")
    assert done.returncode != 0
    assert done.stderr.startswith("PYTHON=/bin/false is not Python 3.11 or newer")
    assert not (ROOT / "nowhere").exists()


def test_all_tests_run_on_the_newest_python_and_some_on_the_oldest(tmp_path: Path) -> None:
    def install(name: str, line: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)

    steps = tmp_path / "steps"
    programs = set(re.findall(r"command -v ([\w-]+)", (ROOT / ".ci/run").read_text()))
    for name in {*programs, "python3.11", "python3.13"} - {"make"}:
        install(name, "exit 0")
    for name in ("python3.12", "python3.14"):  # as those of pyenv that are not installed
        install(name, "exit 127")
    install("make", f'echo "$PYTHON: $*" >>{steps}')
    dirname = shutil.which("dirname")
    assert dirname is not None
    (tmp_path / "dirname").symlink_to(dirname)
    run_program(ROOT / ".ci/run", env={"PATH": str(tmp_path)})
    assert steps.read_text().splitlines() == [
        "python3.13: check",
        "python3.13: test",
        "python3.13: test VENV=.venv-oldest PYTHON=python3.11 "
        "ARGS=tests/engine tests/formats tests/client tests/api",
        "python3.13: oracles",
        'python3.13: test ARGS=-m "oracle or slow"',
    ]


def test_git_ignores_what_the_commands_of_readme_write() -> None:
    paths = ["data/rnn.sqlite3", "tutorial/training.png", ".venv-oldest/bin/python"]
    assert run_program("git", "check-ignore", *paths, cwd=ROOT).stdout.splitlines() == paths


@pytest.mark.parametrize("script", [".ci/run", "scripts/setup.sh", "scripts/image.sh"])
def test_scripts_can_be_executed(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    assert (ROOT / script).read_text().startswith("#!/bin/")


def test_the_image_installs_hashed_packages_and_runs_without_pip_as_a_numeric_user() -> None:
    assert re.findall(r"^FROM (.*)$", DOCKERFILE, re.MULTILINE) == ["${BASE} AS build", "${BASE}"]
    build, last_stage = DOCKERFILE.split("\nFROM ${BASE}\n")
    assert "--require-hashes -r requirements.lock" in build
    assert "pip install" not in last_stage
    ((user, group),) = re.findall(r"^USER (\d+):(\d+)$", last_stage, re.MULTILINE)
    assert "0" not in (user, group)
    assert "/livez" in last_stage.partition("HEALTHCHECK")[2]


def test_everything_that_the_image_copies_is_sent_to_the_build() -> None:
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in sent if line.startswith("!")} == names
    assert all((ROOT / name).exists() for name in names)


COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICE: dict[str, Any] = COMPOSE["services"]["service"]


def test_compose_passes_all_settings_on() -> None:
    fixed = {"RNN_HOST", "RNN_PORT", "RNN_DATA_DIR"}
    settings = {PREFIX + field.upper() for field in Settings.model_fields}
    for name in ("service", "api", "worker"):
        passed = set(COMPOSE["services"][name]["environment"])
        assert settings - fixed <= passed, name
    # Without a value, Compose takes that of the shell, and sets nothing if there is none.
    assert {name for name, value in SERVICE["environment"].items() if value} == {"RNN_WORKERS"}


def test_compose_runs_one_container_without_a_profile() -> None:
    services: dict[str, Any] = COMPOSE["services"]
    single = {name for name, service in services.items() if not service.get("profiles")}
    scaled = {name for name, service in services.items() if service.get("profiles") == ["scale"]}
    assert single == {"service"}
    assert scaled == {"postgres", "api", "worker", "proxy"}
    for names in (single, scaled):
        assert sum(len(services[name].get("ports", [])) for name in names) == 1
        assert {n for name in names for n in services[name].get("depends_on", [])} <= names


def test_the_documented_scale_command_leaves_out_the_single_container() -> None:
    for path in ("docker-compose.yml", "docs/operations.md"):
        (command,) = re.findall(r"docker compose --profile scale up .*", (ROOT / path).read_text())
        scales = dict(re.findall(r"--scale (\w+)=(\d+)", command))
        assert scales["service"] == "0"
        assert set(scales) <= set(COMPOSE["services"])


@pytest.mark.parametrize("file", ["Dockerfile", "docker-compose.yml"])
def test_only_settings_that_exist_are_set(file: str) -> None:
    names = set(re.findall(rf"\b{PREFIX}[A-Z_]+", (ROOT / file).read_text()))
    assert names
    assert names <= {PREFIX + field.upper() for field in Settings.model_fields}
