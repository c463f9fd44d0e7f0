"""The configuration of OpenTelemetry traces."""

import os

import pytest
from opentelemetry.sdk.resources import Resource

from service import __version__
from service.api import telemetry
from service.api.telemetry import ENDPOINTS, RESOURCE, make_telemetry_config
from service.errors import Invalid


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ENDPOINTS, "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(RESOURCE, "")


def test_it_is_off_without_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any(make_telemetry_config().values())
    monkeypatch.setenv(ENDPOINTS[0], "")
    assert not any(make_telemetry_config().values())


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_collector_gets_traces_only(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(telemetry, "PACKAGES", ())
    monkeypatch.setenv(name, "http://collector:4318")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    config = make_telemetry_config()
    assert (config["tracing"], config["metrics"], config["logs"]) == (True, False, False)
    assert config["auto_configure"]
    assert not config["operation_spans"]
    assert os.environ[RESOURCE] == f"service.version={__version__}"


def test_the_operator_may_name_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "PACKAGES", ())
    monkeypatch.setenv(ENDPOINTS[0], "http://collector:4318")
    monkeypatch.setenv(RESOURCE, "service.version=mine")
    make_telemetry_config()
    assert Resource.create().attributes["service.version"] == "mine"


def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "PACKAGES", ("no_such_package",))
    monkeypatch.setenv(ENDPOINTS[0], "http://collector:4318")
    with pytest.raises(Invalid, match=r"pip install 'linear-rnn\[telemetry\]'"):
        make_telemetry_config()
