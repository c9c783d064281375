"""Do the workers of a node trace, if their node was started by what makes programs trace?

``opentelemetry-instrument`` puts a folder into ``PYTHONPATH`` whose ``sitecustomize`` names where
spans go, and takes it out again, so that nothing else that the program starts finds it there.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from tests.cluster.node.running import Node
from tests.observe.seen import Seen

if TYPE_CHECKING:
    from pathlib import Path

    from opentelemetry.sdk.trace import TracerProvider

pytestmark = pytest.mark.nodes

# Spans are handed on once a minute, or when somebody asks for it.
BEGINS = """
import os, sys
here = os.path.dirname(os.path.abspath(__file__))
paths = os.environ["PYTHONPATH"].split(os.pathsep)
os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path != here)

with open(os.path.join(here, f"{os.getpid()}.left-out"), "w") as names:
    names.write(os.environ["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"])

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

class Lines(SpanExporter):
    def export(self, spans):
        with open(os.path.join(here, f"{os.getpid()}.spans"), "a") as lines:
            for span in spans:
                lines.write(span.to_json(indent=None) + "\\n")
        return SpanExportResult.SUCCESS

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(Lines(), schedule_delay_millis=60_000))
trace.set_tracer_provider(provider)
"""


def test_workers_tell_their_part_and_lose_none_of_it_at_their_end(
    tmp_path: Path, provider: TracerProvider
) -> None:
    begins = tmp_path / "begins"
    begins.mkdir()
    (begins / "sitecustomize.py").write_text(BEGINS)
    paths = os.pathsep.join([str(begins), *filter(None, sys.path)])
    ends = ("--workers", "2", "--decommission", "0", "--drain", "1")
    seen = Seen(provider)
    environment = {"PYTHONPATH": paths, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "aiohttp"}
    with Node(tmp_path / "node", *ends, environment=environment) as node:
        workers = node.workers()
        with scalar_tx.connect(f"grpc://{node.where}") as db:
            db.admin.create_table("s.t", columns={"id": "INT"}, partition_key=["id"])
            for number in range(40):  # connections take turns
                db.upsert("s.t", {"id": number})
        assert node.end(signal.SIGTERM) == 0
    told: dict[int, list[dict[str, Any]]] = {
        worker: lines(begins / f"{worker}.spans") for worker in workers
    }
    attempts = {f"0x{one.context.span_id:016x}" for one in seen.spans("scalar_tx.attempt")}
    below = [
        one["parent_id"]
        for spans in told.values()
        for one in spans
        if one["name"] == "scalar_tx.node.transaction"
    ]
    assert len(below) == len(attempts) == 40
    assert set(below) == attempts
    assert all(told.values()), "one of the workers told nothing"
    for worker in workers:
        left_out = (begins / f"{worker}.left-out").read_text()
        assert left_out == "aiohttp,grpc_aio_server"  # it can't serve what a worker serves


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(one) for one in path.read_text().splitlines()]
