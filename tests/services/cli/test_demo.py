"""Does the tour of the services keep its promise, at little cost, and leave nothing behind?"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.nodes


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_the_tour_is_as_promised(tmp_path: Path) -> None:
    path = os.pathsep.join(str(ROOT / one) for one in ("", "schema", "services"))
    (tmp_path / "tmp").mkdir()
    environment = {
        **os.environ,
        "PYTHONPATH": path,
        "TMPDIR": str(tmp_path / "tmp"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    before = processor_seconds()
    done = subprocess.run(
        [sys.executable, "-m", "scalar_auditor", "demo"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    seconds = processor_seconds() - before
    assert done.returncode == 0, done.stdout + done.stderr
    for promise in (
        "3 verified, 0 tampered with, 0 not monitored",
        "3 verified, 1 tampered with, 0 not monitored",
        "DIGEST (version 1): the entry is not as it was signed",
        "verification: 2 findings",
        "identity: as it has to be",
        "All of it was as promised",
    ):
        assert promise in done.stdout
    assert re.search(r"person0009@sample\.example\s+ListItems", done.stdout)
    # What was imported was seen by who watched, and is listed.
    assert done.stdout.count("a file of the audit") == 2
    assert [one.name for one in tmp_path.rglob("*") if one.is_file()] == []
    assert seconds < 40  # of a processor: how long that takes is for what else runs
