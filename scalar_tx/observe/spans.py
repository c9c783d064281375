"""How is a span made, if the program traces at all?

The spans are OpenTelemetry's. Nothing of it is imported here before the program has imported it and
said where spans go; what goes wrong with a span is logged, and harms no transaction.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias

from scalar_tx.errors import ScalarTxError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, Tracer

Attributes: TypeAlias = "dict[str, str | int | bool]"

_log = logging.getLogger("scalar_tx.tracing")

_API: Final = "opentelemetry.trace"
_ERROR: Final = "error.type"  # OpenTelemetry's own name
_CODE: Final = "scalar_tx.error.code"

_last: tuple[object, Tracer] | None = None


def tracer() -> Tracer | None:
    """What makes spans; None: this program does not trace.

    It is asked for each transaction, and costs a program that does not trace next to nothing.
    """
    return _tracer() if _API in sys.modules else None


def _tracer() -> Tracer | None:
    global _last  # noqa: PLW0603  # a provider makes a new one each time it is asked
    try:
        from opentelemetry import trace

        provider = trace.get_tracer_provider()
        if _last is not None and _last[0] is provider:
            return _last[1]
        if isinstance(provider, (trace.ProxyTracerProvider, trace.NoOpTracerProvider)):
            return None
        # The package whose part this is; an import would say that this needs all of it.
        made = provider.get_tracer("scalar_tx", sys.modules["scalar_tx"].__version__)
    except Exception:  # noqa: BLE001  # whatever it is, it is no affair of transactions
        report("nothing to make spans with")
        return None
    _last = provider, made
    return made


def report(what: str) -> None:
    """Log the error about a span that is being handled."""
    _log.exception("%s; transactions go on without", what)


def hand_on(seconds: float) -> None:
    """See that ended spans get to where they go, for that long at most.

    For a process that ends without what Python does at an exit, when spans are handed on mostly.
    """
    if tracer() is None:
        return
    from opentelemetry import trace

    # Not of the interface, and how long it takes is up to whoever takes the spans.
    flush = getattr(trace.get_tracer_provider(), "force_flush", None)
    if flush is not None:
        thread = threading.Thread(target=flush, name="scalar_tx spans", daemon=True)
        thread.start()
        thread.join(seconds)


class OpenSpan:
    """A span that has not ended, and the context for what happens within it."""

    def __init__(
        self,
        made_by: Tracer,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        within: Context | None = None,
    ) -> None:
        from opentelemetry import trace

        self._span: Span
        try:
            self._span = made_by.start_span(name, within, kind, attributes)
        except Exception:  # noqa: BLE001  # the same
            report(f"the span {name} could not begin")
            self._span = trace.INVALID_SPAN
        self.trace_id = self._span.get_span_context().trace_id
        self.context = trace.set_span_in_context(self._span, within)
        self._name = name
        self._process = os.getpid()
        self._ended = False

    def event(self, name: str, attributes: Attributes) -> None:
        """Something happened within it."""
        try:
            self._span.add_event(name, attributes)
        except Exception:  # noqa: BLE001  # the same
            report(f"the span {self._name} does not tell of {name}")

    def end(self, attributes: Attributes, error: Attributes | None, at: int | None = None) -> None:
        """End it, once, with what is known by now and the ``description`` of an error.

        ``at``: it was over then, in nanoseconds since 1970; None: now.
        """
        # What a parent process has begun is the parent's to end.
        if self._ended or self._process != os.getpid():
            return
        from opentelemetry.trace import Status, StatusCode

        self._ended = True
        try:
            self._span.set_attributes(attributes)
            if error is not None:
                self._span.set_attributes(error)
                self._span.set_status(Status(StatusCode.ERROR))
            self._span.end(at)
        except Exception:  # noqa: BLE001  # the same
            report(f"the span {self._name} could not end")

    @contextmanager
    def current(self) -> Iterator[None]:
        """What is done in the block is done within this span."""
        from opentelemetry import context

        token = context.attach(self.context)
        try:
            yield
        finally:
            context.detach(token)


def description(error: BaseException) -> Attributes:
    """What a span tells of an error: what it is called. Its text may hold keys and values."""
    kind = type(error)
    module = kind.__module__
    if module == ScalarTxError.__module__:
        module = "scalar_tx"  # where users find it
    name = kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
    if isinstance(error, ScalarTxError):
        return {_ERROR: name, _CODE: error.code}
    return {_ERROR: name}
