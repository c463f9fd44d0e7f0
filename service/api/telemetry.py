"""OpenTelemetry traces, if the environment contains a collector.

FastAPI creates one span per request, with the route, and the middleware adds the request id.
"""

import os
from importlib.util import find_spec
from typing import Final

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace

from service import __version__
from service.errors import Invalid

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
SERVICE_NAME: Final = "linear-rnn"
PACKAGES: Final = ("opentelemetry.sdk", "opentelemetry.exporter")
NEVER: Final[TelemetryConfig] = {"metrics": False, "logs": False, "operation_spans": False}
RESOURCE: Final = "OTEL_RESOURCE_ATTRIBUTES"
REQUEST_ID: Final = "http.response.header.x-request-id"  # of semantic conventions


def make_telemetry_config() -> TelemetryConfig:
    """Return the configuration of FastAPI's telemetry. It is off without a collector.

    Raises
    ------
    Invalid
        The environment contains a collector, but the extra ``telemetry`` is not installed.
    """
    endpoint = next((name for name in ENDPOINTS if os.environ.get(name)), None)
    if endpoint is None:
        return {**NEVER, "tracing": False, "auto_configure": False}
    if any(find_spec(package) is None for package in PACKAGES):
        command = "`pip install '.[telemetry]'` in the repository"
        raise Invalid(f"{endpoint} needs the extra telemetry: {command}")
    os.environ.setdefault("OTEL_SERVICE_NAME", SERVICE_NAME)
    own = f"service.version={__version__}"  # the last of two values is used
    os.environ[RESOURCE] = ",".join(filter(None, [own, os.environ.get(RESOURCE)]))
    return {**NEVER, "tracing": True, "auto_configure": True}


def name_span(request_id: str) -> str | None:
    """Add the id of the current request to its span, and return its trace id, if it has any."""
    span = trace.get_current_span()
    context = span.get_span_context()
    if not context.is_valid:
        return None
    span.set_attribute(REQUEST_ID, [request_id])
    return trace.format_trace_id(context.trace_id)
