"""How does a trace go on in another process?

By the headers of a call. Which ones is up to the program's propagators: W3C's, if it says nothing.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.model.state import TransactionState
from scalar_tx.observe.spans import OpenSpan, description, report, tracer
from scalar_tx.observe.tracing import ending

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

    from scalar_tx.observe.spans import Attributes

NODE: Final = "scalar_tx.node."  # and what a call is about

# OpenTelemetry's own names.
_RPC: Final = "rpc.system.name"
_METHOD: Final = "rpc.method"


def headers() -> tuple[tuple[str, str], ...]:
    """What a call bears so that its other side joins the current trace; none: nobody traces."""
    return () if tracer() is None else _headers()


def _headers() -> tuple[tuple[str, str], ...]:
    carrier: dict[str, str] = {}
    try:
        from opentelemetry import propagate

        propagate.inject(carrier)
    except Exception:  # noqa: BLE001  # whatever it is, it is no affair of the call
        report("a call bears no trace")
        return ()
    return tuple((name.lower(), value) for name, value in carrier.items() if _fits(name, value))


def _fits(name: str, value: str) -> bool:
    # gRPC refuses the whole call for any other.
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    return plain.isascii() and plain.isalnum() and value.isascii() and value.isprintable()


def served(
    what: str, method: str, received: Iterable[tuple[str, Any]] | None
) -> AbstractContextManager[None]:
    """Around a call that is served here: ``what`` it is about, and the headers that it bears."""
    made_by = tracer()
    return nullcontext() if made_by is None else _served(made_by, what, method, received or ())


@contextmanager
def _served(
    made_by: Tracer, what: str, method: str, received: Iterable[tuple[str, Any]]
) -> Iterator[None]:
    from opentelemetry.trace import SpanKind, get_current_span

    told: Attributes = {_RPC: "grpc", _METHOD: method}
    if get_current_span().get_span_context().is_valid:
        # What has handed the call to us traces calls, and has told of this one.
        span = OpenSpan(made_by, f"{NODE}{what}", SpanKind.INTERNAL, told)
    else:
        span = OpenSpan(made_by, f"{NODE}{what}", SpanKind.SERVER, told, _context_of(received))
    error: Attributes | None = None
    try:
        with span.current():
            yield
    except BaseException as raised:
        error = description(raised)
        raise
    finally:
        span.end({}, error)


class _Received(dict[str, str]):
    """Headers; gRPC has their names in small letters, whatever a propagator asks for."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


def _context_of(received: Iterable[tuple[str, Any]]) -> Context | None:
    texts = _Received((name, value) for name, value in received if isinstance(value, str))
    try:
        from opentelemetry import propagate

        return propagate.extract(texts)
    except Exception:  # noqa: BLE001  # the same
        report("the trace that a call bears is not joined")
        return None


def tell_end(
    outcome: TransactionState | None, transaction_id: str | None, error: Exception | None
) -> None:
    """The transaction of the call that is served here has ended; by an error, or not."""
    if tracer() is not None:
        from opentelemetry.trace import Status, StatusCode, get_current_span

        span = get_current_span()
        try:
            span.set_attributes(ending(outcome, transaction_id))
            if error is not None and outcome is not TransactionState.COMMITTED:
                span.set_attributes(description(error))
                span.set_status(Status(StatusCode.ERROR))
        except Exception:  # noqa: BLE001  # the same
            report("a call's span does not tell how its transaction ended")
