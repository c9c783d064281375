"""Is the Java program alive, and what did it answer?

One JVM serves many sessions; requests of one lane run in order, lanes run beside each other.
The JVM ends when its input does, so it doesn't outlive a test run that dies.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import threading
from concurrent.futures import Future
from typing import IO, TYPE_CHECKING, Any

from tests.compatibility.java_build import NEWEST, SHORT_LIFE, build

if TYPE_CHECKING:
    from collections.abc import Sequence

ANSWER_SECONDS = 60.0
START_SECONDS = 60.0
END_SECONDS = 10.0
HALTED = 86  # the exit status of a fault that halts


class JavaError(Exception):
    """What ScalarDB raised.

    `kind` is the simple name of the exception's class, `code` the digits of its DB-CORE code or
    None, `causes` the same of its causes, outermost first.
    """

    def __init__(self, error: dict[str, Any]) -> None:
        self.kind: str = error["class"]
        self.code: str | None = error["code"]
        self.message: str = error["message"]
        self.transaction_id: str | None = error.get("transaction_id")
        self.causes: list[tuple[str, str | None, str]] = [
            (cause["class"], cause["code"], cause["message"]) for cause in error.get("causes", ())
        ]
        reasons = "".join(f"; from {kind}: {text}" for kind, _, text in self.causes)
        super().__init__(f"{self.kind}: {self.message}{reasons}")


class JavaGoneError(Exception):
    """The JVM ended although nobody asked it to; the message has the end of its log."""


class JavaHaltedError(JavaGoneError):
    """The JVM was halted by a fault, as was wanted."""


class JavaTimeoutError(Exception):
    """No answer in time."""


class Pending:
    """An answer that is still to come."""

    def __init__(self, request: str) -> None:
        self.request = request
        self.future: Future[Any] = Future()

    @property
    def done(self) -> bool:
        """Whether the answer is there."""
        return self.future.done()

    def result(self, timeout: float = ANSWER_SECONDS) -> Any:
        """The answer.

        Raises:
            JavaError: ScalarDB raised.
            JavaHaltedError: a fault halted the JVM.
            JavaGoneError: the JVM ended otherwise.
            JavaTimeoutError: nothing came within `timeout` seconds.
        """
        try:
            return self.future.result(timeout)
        except TimeoutError as late:
            raise JavaTimeoutError(f"no answer in {timeout} s: {self.request}") from late


class JavaProcess:
    """A running JVM."""

    def __init__(
        self,
        release: str = NEWEST,
        options: Sequence[str] = SHORT_LIFE,
        command: Sequence[str] | None = None,
    ) -> None:
        command = command or build(release).command(options)
        self.release = release
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            encoding="utf-8",
        )
        self._waiting: dict[int, Pending] = {}
        self._lock = threading.Lock()
        self._last_id = 0
        self._gone: JavaGoneError | None = None
        self._ready = threading.Event()
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), name="java answers", daemon=True
        )
        self._reader.start()
        if not self._ready.wait(START_SECONDS) or self._gone is not None:
            gone = self._gone
            self.close()
            raise gone or JavaTimeoutError(f"the JVM did not start in {START_SECONDS} s")

    @property
    def pid(self) -> int:
        """The process id of the JVM."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the JVM still runs."""
        return self._process.poll() is None

    def submit(self, do: str, session: str, lane: str, **arguments: Any) -> Pending:
        """Send a request; arguments that are None are left out."""
        with self._lock:
            self._last_id += 1
            number = self._last_id
            given = {name: value for name, value in arguments.items() if value is not None}
            line = json.dumps({**given, "id": number, "do": do, "session": session, "lane": lane})
            pending = Pending(line)
            if self._gone is not None:
                raise self._gone
            self._waiting[number] = pending
            assert self._process.stdin is not None
            # The reader notices the end of the process and answers for it.
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()
        return pending

    def log(self) -> str:
        """The end of what the JVM wrote to its log."""
        file = self._log.fileno()
        size = os.fstat(file).st_size
        # Not seek: the JVM writes at the same position.
        return os.pread(file, 4000, max(0, size - 4000)).decode(errors="replace")

    def kill(self) -> None:
        """End the JVM as `kill -9` does."""
        self._process.kill()
        self._process.wait(END_SECONDS)
        self._reader.join(END_SECONDS)

    def wait_halted(self, timeout: float = ANSWER_SECONDS) -> None:
        """Wait until a fault halts the JVM.

        Raises:
            JavaTimeoutError: it still runs.
            JavaGoneError: it ended otherwise.
        """
        self._reader.join(timeout)
        if self._gone is None:
            raise JavaTimeoutError(f"the JVM was not halted within {timeout} s")
        if not isinstance(self._gone, JavaHaltedError):
            raise self._gone

    def close(self) -> None:
        """End the JVM for certain."""
        if self._process.poll() is None:
            assert self._process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(END_SECONDS)
        self._reader.join(END_SECONDS)
        for stream in (self._process.stdin, self._process.stdout, self._log):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def _read(self, answers: IO[str]) -> None:
        for line in answers:
            answer = json.loads(line)
            if "ready" in answer:
                self._ready.set()
                continue
            with self._lock:
                pending = self._waiting.pop(answer["id"])
            if "error" in answer:
                pending.future.set_exception(JavaError(answer["error"]))
            else:
                pending.future.set_result(answer["ok"])
        self._end()

    def _end(self) -> None:
        status = self._process.wait()
        kind = JavaHaltedError if status == HALTED else JavaGoneError
        with self._lock:
            log = "" if status == HALTED else f"; its log ends:\n{self.log()}"
            self._gone = kind(f"the JVM ended with status {status}{log}")
            left, self._waiting = list(self._waiting.values()), {}
        for pending in left:
            pending.future.set_exception(self._gone)
        self._ready.set()
