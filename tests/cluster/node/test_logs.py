"""Is every event one line of the log, whatever it holds?"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from scalar_tx.observe.logs import JsonLine, OneLine

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
