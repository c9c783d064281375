"""Are the names, types, labels and buckets of all metrics those agreed on, and documented?"""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry, Histogram

import scalar_tx
from scalar_tx import InvalidOperationError
from scalar_tx.consensus_commit import meter
from scalar_tx.counted_steps import CAUSES, OPERATIONS, OTHER_CAUSE
from scalar_tx.counted_steps import OUTCOMES as OPERATION_OUTCOMES
from scalar_tx.observe import metrics_into, serve_metrics
from scalar_tx.observe.metrics import Metrics, NodeMetrics
from scalar_tx.observe.protocol_metrics import BUCKETS, ProtocolMetrics
from scalar_tx.runs import OUTCOMES as RUN_OUTCOMES
from scalar_tx.watched_storage import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"

EMBEDDED = {
    "transaction_latency_seconds": ("histogram", ()),
    "transaction_total": ("counter", ()),
    "transaction_abort_total": ("counter", ()),
    "transaction_rollback_total": ("counter", ()),
    "run_total": ("counter", ("outcome",)),
    "run_retries_total": ("counter", ()),
    "conflict_total": ("counter", ("namespace", "table", "cause")),
    "namespace_operation_total": ("counter", ("namespace", "operation", "outcome")),
    "namespace_operation_seconds": ("histogram", ("namespace", "operation")),
    "unknown_outcome_total": ("counter", ()),
    "unknown_settled_total": ("counter", ("outcome",)),
    "recovery_total": ("counter", ("outcome",)),
    "storage_error_total": ("counter", ("storage", "kind")),
    "coordinator_row_written_total": ("counter", ("state",)),
    "coordinator_row_cleaned_total": ("counter", ()),
    "build_info": ("gauge", ("version",)),
}
OF_A_NODE = {
    "storage_clock_skew_seconds": ("gauge", ("storage",)),
    **{
        f"node_{name}": ("gauge", ())
        for name in (
            "open_transactions",
            "open_scanners",
            "oldest_transaction_seconds",
            "paused",
            "paused_seconds",
            "ready",
            "workers",
            "workers_wanted",
            "certificate_expiry_timestamp_seconds",
        )
    },
    "node_worker_restarts_total": ("counter", ()),
}
CONTRACT_BUCKETS = "0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10"

Described = dict[str, tuple[str, tuple[str, ...]]]


def made_in(registry: CollectorRegistry) -> set[Any]:
    return set(registry._names_to_collectors.values())


def described(registry: CollectorRegistry) -> Described:
    """Every metric of a registry, with its type and its labels."""
    found: Described = {}
    for collector in made_in(registry):
        kind, name = collector._type, collector._name
        found[(f"{name}_total" if kind == "counter" else name).removeprefix("scalardb_")] = (
            kind,
            tuple(collector._labelnames),
        )
    return found


def test_an_embedding_program_has_those_of_the_contract() -> None:
    registry = CollectorRegistry()
    with metrics_into(registry):
        assert described(registry) == EMBEDDED


def test_a_node_has_those_too_and_its_own() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    NodeMetrics(registry, tls=True)
    assert described(registry) == EMBEDDED | OF_A_NODE
    without = CollectorRegistry()
    NodeMetrics(without)
    assert "node_certificate_expiry_timestamp_seconds" not in described(without)


def test_buckets_are_those_of_the_contract() -> None:
    assert list(BUCKETS) == [float(one) for one in CONTRACT_BUCKETS.split()]
    made = ProtocolMetrics()
    for histogram in (made._latency, made._operation_seconds):
        assert isinstance(histogram, Histogram)
        assert list(histogram._upper_bounds)[:-1] == list(BUCKETS)


def test_every_gauge_has_a_mode_for_several_processes() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    NodeMetrics(registry, tls=True)
    modes = {one._name: one._multiprocess_mode for one in made_in(registry) if one._type == "gauge"}
    assert modes
    assert set(modes.values()) <= {"livesum", "livemax", "livemostrecent", "mostrecent"}


def test_all_that_can_be_known_stands_at_0_from_the_start() -> None:
    registry = CollectorRegistry()
    with metrics_into(registry), scalar_tx.connect("memory://"):
        values = {
            (sample.name.removeprefix("scalardb_"), *sample.labels.values()): sample.value
            for family in registry.collect()
            for sample in family.samples
            if not sample.name.endswith(("_created", "_bucket"))
        }
    settled = ("committed", "aborted", "unknown")
    expected: dict[tuple[str, ...], float] = {
        **{
            (name,): 0
            for name, (kind, labels) in EMBEDDED.items()
            if kind == "counter" and not labels
        },
        ("transaction_latency_seconds_count",): 0,
        ("transaction_latency_seconds_sum",): 0,
        **{("run_total", one): 0 for one in RUN_OUTCOMES},
        **{("unknown_settled_total", one): 0 for one in settled},
        **{("recovery_total", one): 0 for one in ("rolled_forward", "rolled_back")},
        **{("coordinator_row_written_total", one): 0 for one in settled[:2]},
        **{("storage_error_total", "memory", one): 0 for one in KINDS},
        ("build_info", scalar_tx.__version__): 1,
    }
    others = {key for key in values if key[0] == "storage_error_total" and key[1] != "memory"}
    assert {key: value for key, value in values.items() if key not in others} == expected


def test_the_page_has_each_of_them_once_and_no_other() -> None:
    text = PAGE.read_text()
    rows = re.findall(r"^\| `scalardb_(\w+)` \| (\w+) \|([^|]*)\| ([^|]+) \|", text, re.MULTILINE)
    told = {name: (kind, tuple(re.findall(r"\w+", labels))) for name, kind, labels, _ in rows}
    assert len(told) == len(rows)
    assert told == EMBEDDED | OF_A_NODE
    assert CONTRACT_BUCKETS in text
    meanings = {name: meaning for name, _, _, meaning in rows}
    words = {
        "run_total": RUN_OUTCOMES,
        "storage_error_total": KINDS,
        "namespace_operation_total": (*OPERATIONS, *OPERATION_OUTCOMES),
    }
    for name, values in words.items():
        assert set(re.findall(r"`(\w+)`", meanings[name])) == set(values)
    causes = dict(re.findall(r"`(\w+)` \((?:STX-)?(\d+)\)", text))
    assert {f"STX-{code}": cause for cause, code in causes.items()} == CAUSES
    assert f"`{OTHER_CAUSE}`" in text


def test_what_is_served_can_be_read_and_ends() -> None:
    with serve_metrics(0) as serving:
        url = f"http://127.0.0.1:{serving.port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert b"\nscalardb_transaction_total 0.0\n" in answer.read()
        with pytest.raises(InvalidOperationError) as taken:
            serve_metrics(serving.port)
        assert taken.value.code == "STX-3110"
    serving.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=10)
    assert not meter.installed()


def test_a_registry_takes_them_once() -> None:
    registry = CollectorRegistry()
    with metrics_into(registry), pytest.raises(InvalidOperationError) as twice:
        metrics_into(registry)
    assert twice.value.code == "STX-3111"


def test_without_the_library_that_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    for module in ("protocol_metrics", "metrics"):
        monkeypatch.delitem(sys.modules, f"scalar_tx.observe.{module}")
    with pytest.raises(InvalidOperationError, match=r'pip install "scalar-tx\[metrics\]"') as error:
        serve_metrics(0)
    assert error.value.code == "STX-3112"
    with pytest.raises(InvalidOperationError, match="scalar-tx"):
        metrics_into(None)  # type: ignore[arg-type]  # not looked at


UNTOUCHED = """
import os, sys
import scalar_tx.observe
assert "prometheus_client" not in sys.modules
with scalar_tx.observe.serve_metrics(0), scalar_tx.connect("memory://") as db:
    db.admin.create_table("a.b", columns={"id": "INT"}, partition_key=["id"])
    db.insert("a.b", {"id": 1})
assert not [name for name in os.environ if "multiproc" in name.lower()]
"""


def test_an_embedding_program_never_counts_in_files() -> None:
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", UNTOUCHED], env=environment, check=True)


@pytest.fixture(autouse=True)
def nobody_else_counts() -> Iterator[None]:
    assert not meter.installed()
    yield
    assert not meter.installed()
