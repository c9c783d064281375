"""What did a program's spans tell?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider


class Seen:
    """The spans that have ended; ``at_rest`` waits until those of other threads have."""

    def __init__(
        self, provider: TracerProvider, at_rest: Callable[[], bool] = lambda: True
    ) -> None:
        self._exporter = InMemorySpanExporter()
        self.at_rest = at_rest
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def forget(self) -> None:
        """Tell of what comes from now on."""
        assert self.at_rest()
        self._exporter.clear()

    def spans(self, name: str = "", *, at_rest: bool = True) -> list[ReadableSpan]:
        """Those of a name, or all, in the order in which they began."""
        assert not at_rest or self.at_rest()
        found = [one for one in self._exporter.get_finished_spans() if one.name.startswith(name)]
        return sorted(found, key=lambda one: one.start_time or 0)

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.spans(name)
        return span

    def told(self, name: str) -> dict[str, Any]:
        return dict(self.one(name).attributes or {})

    def tree(self, *, nodes: bool = False, at_rest: bool = True) -> list[str]:
        """Each span in a line below its parent: name, outcome, error; ``nodes``: theirs as well.

        ``at_rest`` False: something is open still.
        """
        return tree_of(self.spans(at_rest=at_rest), nodes=nodes)


def tree_of(spans: list[ReadableSpan], *, nodes: bool) -> list[str]:
    known = {one.context.span_id for one in spans}
    below: dict[int | None, list[ReadableSpan]] = {}
    for span in spans:
        parent = span.parent.span_id if span.parent and span.parent.span_id in known else None
        below.setdefault(parent, []).append(span)
    return list(_lines(below, None, 0, nodes=nodes))


def _lines(
    below: dict[int | None, list[ReadableSpan]], above: int | None, depth: int, *, nodes: bool
) -> Iterator[str]:
    for span in below.get(above, ()):
        if nodes or not span.name.startswith("scalar_tx.node."):
            yield "  " * depth + line(span)
            yield from _lines(below, span.context.span_id, depth + 1, nodes=nodes)


def line(span: ReadableSpan) -> str:
    """A span in words."""
    told = span.attributes or {}
    words = [span.name.removeprefix("scalar_tx.")]
    words.append(str(told.get("scalar_tx.transaction.outcome", "")))
    words.append(str(told.get("error.type", "")).removeprefix("scalar_tx."))
    assert span.status.is_ok != ("error.type" in told)
    assert span.status.description is None
    return " ".join(word for word in words if word)
