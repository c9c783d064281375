"""What goes wrong between the Java library and its storage, and what passed there?"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from tests.compatibility.java_process import ANSWER_SECONDS, JavaProcess, JavaTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.compatibility.java_wire import TableDescription

When = Literal["before", "after"]


class RecordedCalls(list[dict[str, Any]]):
    """Storage calls in the form of the golden files: call, step, ops, outcome."""

    @property
    def steps(self) -> list[str]:
        """The steps in order; one that didn't go well has its outcome behind it."""
        return [
            call["step"] if call["outcome"] == "ok" else f"{call['step']}: {call['outcome']}"
            for call in self
        ]


class JavaFault:
    """A fault that was asked for."""

    def __init__(self, watch: JavaWatch, rule: int) -> None:
        self._watch = watch
        self.rule = rule

    @property
    def matched(self) -> int:
        """How many calls it has matched so far."""
        return int(self._watch.call("matched", rule=self.rule))

    def wait_paused(self, timeout: float = ANSWER_SECONDS) -> list[dict[str, Any]]:
        """Wait until it holds a call; the calls it holds.

        Raises:
            JavaTimeoutError: it doesn't hold one in time.
        """
        held: list[dict[str, Any]] = self._watch.call(
            "await_paused",
            timeout=timeout + ANSWER_SECONDS,
            rule=self.rule,
            milliseconds=int(timeout * 1000),
        )
        if not held:
            raise JavaTimeoutError(f"no storage call was paused within {timeout} s")
        return held

    def release(self) -> None:
        """Let the calls it holds go on."""
        self._watch.call("release", rule=self.rule)


class JavaWatch:
    """Between the transactions of a watched session and their storage."""

    def __init__(
        self, process: JavaProcess, session: str, table: Callable[[str], TableDescription]
    ) -> None:
        self._process = process
        self._session = session
        self._table = table

    def halt(self, when: When, **which: Any) -> JavaFault:
        """Halt the whole JVM before or after a storage call: a crash there.

        `which` says at which call: `step` (read, prepare, commit-state, abort-state, read-state,
        forget-state, commit, rollback, one-phase, plain), `call` (get, scan, put, delete, mutate),
        `table`, `key` (of one of its records, with `table`), `nth` (of those that match, from now
        on; 1), `times` (how many from there; 1, 0 for all).
        """
        return self._fault("halt", when, which)

    def fail(
        self,
        when: When,
        *,
        error: Literal["execution", "retriable", "no_mutation", "runtime"] = "execution",
        **which: Any,
    ) -> JavaFault:
        """Fail a storage call: before it is sent, or after, so that its answer is lost."""
        return self._fault("fail", when, {**which, "error": error})

    def pause(self, when: When, **which: Any) -> JavaFault:
        """Hold a storage call until it is released; never released, it is a writer that died."""
        return self._fault("pause", when, which)

    def _fault(self, action: str, when: When, which: Mapping[str, Any]) -> JavaFault:
        wanted = dict(which)
        if "key" in wanted:
            wanted["key"] = self._table(wanted["table"]).cells(wanted["key"])
        rule = self.call("fault", action=action, when=when, **wanted)
        return JavaFault(self, rule)

    def clear(self) -> None:
        """Forget all faults and release all paused calls."""
        self.call("clear")

    @contextmanager
    def recorded(self) -> Iterator[RecordedCalls]:
        """Note the storage calls of the transactions in the block."""
        self.call("record")
        calls = RecordedCalls()
        try:
            yield calls
        finally:
            if self._process.alive:
                calls.extend(self.call("recorded"))
                self.call("stop_recording")

    def call(self, command: str, timeout: float = ANSWER_SECONDS, **arguments: Any) -> Any:
        """A command of the Java program about a session's watch."""
        # Beside the session's other requests: those may be waiting for just this one.
        lane = f"{self._session} watch"
        return self._process.submit(f"watch.{command}", self._session, lane, **arguments).result(
            timeout
        )
