"""Is every event one line of the log, whatever it holds?"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

import pytest

import scalar_tx
from scalar_tx.cluster.node_server.transact import Stream
from scalar_tx.cluster.sessions import Sessions
from scalar_tx.observe.logs import JsonLine, OneLine
from tests.cluster.served import Served

NASTY = 'first\nsecond\r\n{"x": 1}\\n'


def record() -> logging.LogRecord:
    try:
        raise ValueError("in\nlines")
    except ValueError:
        return logging.LogRecord("a.b", logging.WARNING, "f", 1, NASTY, (), sys.exc_info())


def test_text_is_one_line() -> None:
    line = OneLine("worker-1").format(record())
    assert "\n" not in line
    assert "\r" not in line
    assert "WARNING worker-1 a.b: first\\nsecond" in line
    assert "ValueError: in\\nlines" in line


def test_json_is_one_line() -> None:
    line = JsonLine("node").format(record())
    assert "\n" not in line
    event: dict[str, Any] = json.loads(line)
    assert (event["message"], event["level"], event["process"]) == (NASTY, "WARNING", "node")
    assert event["exception"].startswith("Traceback")
    assert event["time"].endswith("Z")


def test_the_transaction_is_named() -> None:
    sessions = Sessions(9, 9, 60, 60)

    def lines() -> list[str]:
        return [form.format(record()) for form in (OneLine("w"), JsonLine("w"))]

    session = sessions.open("tx-1", "ada", lambda _: None)
    text, event = lines()
    assert "(transaction tx-1)" in text
    assert json.loads(event)["transaction"] == "tx-1"
    session.close()
    text, event = lines()
    assert "transaction" not in text
    assert "transaction" not in json.loads(event)


def test_what_fails_in_a_transaction_is_logged_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logged.append(self.format(record))

    def fails(*_: object) -> None:
        raise RuntimeError("planted")

    handler, log = Kept(), logging.getLogger("scalar_tx.node")
    handler.setFormatter(JsonLine("w"))
    log.addHandler(handler)
    monkeypatch.setattr(Stream, "_checked", fails)
    served = Served("memory://")
    try:
        with scalar_tx.connect(served.url) as db, pytest.raises(scalar_tx.ScalarTxError) as caught:
            db.run(lambda tx: tx.get("bank.account", {"id": 1}), retry=0)
    finally:
        log.removeHandler(handler)
        served.close()
    (event,) = map(json.loads, logged)
    assert "planted" in event["exception"]
    assert event["transaction"] == caught.value.transaction_id


LEVELS = """
import logging
from scalar_tx.observe.logs import log_to_stderr
log_to_stderr("text", "p")
for level in ("debug", "info", "warning", "error"):
    getattr(logging.getLogger("x"), level)(level)
"""


@pytest.mark.parametrize(
    "level,seen",
    [
        ("", "info warning error"),
        ("trace", "debug info warning error"),
        ("WARN", "warning error"),
        ("off", ""),
    ],
)
def test_the_environment_sets_the_level(level: str, seen: str) -> None:
    environment = {
        "SCALAR_DB_LOG_LEVEL": level,
        "PYTHONPATH": ":".join(filter(None, sys.path)),
    }
    done = subprocess.run(
        [sys.executable, "-c", LEVELS], env=environment, capture_output=True, check=True, text=True
    )
    assert [line.split()[-1] for line in done.stderr.splitlines()] == seen.split()
