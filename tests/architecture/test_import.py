"""What does ``import scalar_tx`` bring with it?

Drivers, event loops and the command line's libraries are imported by whoever first needs them, so
that a program pays at its start only for what it uses.
"""

from __future__ import annotations

import json
import subprocess
import sys

from tests.architecture.checkout import ROOT
from tests.architecture.drivers import DRIVER_HOMES

LATER = {
    *DRIVER_HOMES,
    "asyncio",
    "google",
    "grpc",
    "opentelemetry",
    "prometheus_client",
    "rich",
    "tenacity",
    "typer",
}

PROBE = """
import json, sys
before = set(sys.modules)
import scalar_tx
print(json.dumps([scalar_tx.__file__, *sorted(set(sys.modules) - before)]))
"""


def test_import_brings_neither_drivers_nor_event_loops() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=ROOT, check=True, capture_output=True, text=True
    )
    file, *new = json.loads(answer.stdout)
    assert file == str(ROOT / "scalar_tx" / "__init__.py"), "another scalar_tx was imported"
    assert sorted(LATER & set(new)) == []
