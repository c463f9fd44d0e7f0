"""OpenTelemetry traces, if the environment names a collector.

FastAPI makes the spans: one per request, with the route, and more on routes that it handles itself.
"""

import os
from importlib.util import find_spec
from typing import Final

from fastapi.telemetry import TelemetryConfig

from service.errors import Invalid

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
SERVICE_NAME: Final = "linear-rnn"
PACKAGES: Final = ("opentelemetry.sdk", "opentelemetry.exporter")


def make_telemetry_config() -> TelemetryConfig:
    """Return the configuration of FastAPI's telemetry. It is off without a collector.

    Raises
    ------
    Invalid
        The environment names a collector, but the extra ``telemetry`` is not installed.
    """
    endpoint = next((name for name in ENDPOINTS if os.environ.get(name)), None)
    if endpoint is None:
        return {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
    if any(find_spec(package) is None for package in PACKAGES):
        raise Invalid(f"{endpoint} needs the extra telemetry: pip install 'linear-rnn[telemetry]'")
    os.environ.setdefault("OTEL_SERVICE_NAME", SERVICE_NAME)
    return {"tracing": True, "metrics": False, "logs": False, "auto_configure": True}
