"""The configuration of OpenTelemetry traces."""

import pytest

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


def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "PACKAGES", ("no_such_package",))
    monkeypatch.setenv(ENDPOINTS[0], "http://collector:4318")
    with pytest.raises(Invalid, match=r"pip install 'linear-rnn\[telemetry\]'"):
        make_telemetry_config()
