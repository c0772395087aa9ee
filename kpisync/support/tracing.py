"""Traces by OpenTelemetry, for whoever asks for them by its environment variables; nothing at all otherwise."""

from __future__ import annotations

import atexit
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlsplit

import structlog

from kpisync import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

_SECONDS = 2.0  # one export, all in all, unless OTEL_EXPORTER_OTLP_TIMEOUT says otherwise; and what the end may wait
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")

log = structlog.get_logger()


class Told(Protocol):
    """Takes what becomes known of a span later."""

    def __call__(self, **attributes: str | int) -> None: ...


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[Told]:
    """A span around what is done within, below the one around it; an attribute without a dot is named `kpisync.…`.

    Without traces it costs next to nothing. What is raised within marks it as failed; the words of it are not kept.
    """
    otel: Any = sys.modules.get("opentelemetry.trace")  # nobody has imported it: nobody has asked for traces
    if not hasattr(otel, "get_tracer"):  # or is just about to
        yield _to_nobody
        return
    tracer = otel.get_tracer("kpisync", __version__)
    kind = otel.SpanKind.CLIENT if "http.request.method" in attributes else otel.SpanKind.INTERNAL
    quiet = {"record_exception": False, "set_status_on_exception": False}
    with tracer.start_as_current_span(name, kind=kind, attributes=_named(attributes), **quiet) as current:

        def told(**more: str | int) -> None:
            current.set_attributes(_named(more))

        well = False
        try:
            yield told
            well = True
        finally:
            if not well:
                current.set_status(otel.Status(otel.StatusCode.ERROR))


def start(environ: Mapping[str, str]) -> Callable[[], None] | None:
    """Send spans from now on by OTLP over HTTP, if the variables ask for it; what is wrong with them is a warning.

    Spans are sent by a thread of their own; those that cannot be sent are dropped, which is told once. Returns what
    sends the last ones, within a few seconds; it is called at the end of the process in any case.
    """
    if not _asked_for(environ):
        return None
    if problem := _problem(environ):
        _warn(problem)
        return None
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it would repeat itself while nobody listens
    try:
        end = _begin(environ)
    except ImportError:
        _warn("the extra otel is not installed", hint="Install kpisync[otel], or unset OTEL_EXPORTER_OTLP_ENDPOINT")
        return None
    except (OSError, RuntimeError, ValueError) as error:
        _warn(f"OpenTelemetry cannot be set up: {error}", hint="Correct the variables that begin with OTEL_")
        return None
    atexit.register(end)
    return end


def _to_nobody(**attributes: str | int) -> None:
    """There are no traces."""


def _named(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    return {name if "." in name else f"kpisync.{name}": value for name, value in attributes.items()}


# ---------------------------------------------------------------- what the variables say


def _first(environ: Mapping[str, str], names: Sequence[str]) -> str:
    return next((text for name in names if (text := environ.get(name, "").strip())), "")


def _asked_for(environ: Mapping[str, str]) -> bool:
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    return exporter != "none" if exporter else bool(_first(environ, _ENDPOINTS))


def _problem(environ: Mapping[str, str]) -> str | None:
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    if exporter.lower() != "otlp":
        return f"OTEL_TRACES_EXPORTER is {exporter}; only otlp is known, and none"
    protocol = _first(environ, _PROTOCOLS) or "http/protobuf"
    if protocol.lower() != "http/protobuf":
        return f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}; only http/protobuf is known, mostly at port 4318"
    endpoint = _first(environ, _ENDPOINTS)
    return f"{_where(environ)} is no address that starts with http:// or https://" if _is_odd(endpoint) else None


def _is_odd(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        return bool(endpoint) and not (parts.scheme in ("http", "https") and parts.hostname)
    except ValueError:
        return True


def _where(environ: Mapping[str, str]) -> str:
    return next(name for name in _ENDPOINTS if environ.get(name, "").strip())


def _warn(problem: str, hint: str = "Correct the variable, or unset it") -> None:
    log.warning("traces are not sent, everything else goes on", problem=problem, hint=hint)


# ---------------------------------------------------------------- sending


def _begin(environ: Mapping[str, str]) -> Callable[[], None]:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    about = {"service.version": __version__}
    if not environ.get("OTEL_SERVICE_NAME") and "service.name=" not in environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        about["service.name"] = "kpisync"
    exporter = Bounded(OTLPSpanExporter(timeout=None if _first(environ, _TIMEOUTS) else _SECONDS))
    provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(cast("SpanExporter", exporter)))
    trace.set_tracer_provider(provider)

    def end() -> None:
        atexit.unregister(end)
        exporter.end_by(monotonic() + _SECONDS)
        provider.shutdown()

    return end


class Bounded:
    """An exporter that tells once when it fails, and once when it works again; and comes to an end."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._last = inf  # monotonic
        self._failing = False

    def end_by(self, moment: float) -> None:
        """Begin no export after it, and none at all as soon as one has failed."""
        self._last = moment

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        from opentelemetry.sdk.trace.export import SpanExportResult

        if monotonic() >= self._last or (self._failing and self._last < inf):
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        failing = result is not SpanExportResult.SUCCESS
        if failing and not self._failing:
            hint = "Look whether the collector listens at the address of OTEL_EXPORTER_OTLP_ENDPOINT"
            log.warning("traces could not be sent and are dropped, everything else goes on", hint=hint)
        if self._failing and not failing:
            log.info("traces are sent again")
        self._failing = failing
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 0) -> bool:
        """Nothing is kept here."""
        return True
