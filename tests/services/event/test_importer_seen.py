"""Is it known when an importer last called, and of nobody who never imported?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from scalar_auditor import metrics
from scalar_auditor.metrics import ServiceMetrics
from tests.kubernetes.series import OF_THE_SERVICES
from tests.services.event.scene import NOW, event
from tests.services.stage import NAMESPACES, Refused

if TYPE_CHECKING:
    from tests.services.stage import Stage

NAME = "scalar_auditor_importer_seen_timestamp_seconds"
PAGE = NAMESPACES.parent / "docs" / "metrics.md"


def seen(registry: CollectorRegistry, user_id: str = "u") -> float | None:
    return registry.get_sample_value(NAME, {"user_id": user_id})


def test_events_tell_of_it_and_so_does_a_question_where_there_are_none(stage: Stage) -> None:
    registry, service = stage.auditor.metrics.registry, stage.as_service()
    # Who asks of a user that nothing was imported for is no importer.
    service.GetPosition(user_id="u")
    assert seen(registry) is None
    batch = {"user_id": "u", "from_position": "", "to_position": "1", "events": [event("a")]}
    service.IngestEvents(**batch)
    assert seen(registry) == NOW / 1000

    def forget() -> None:
        stage.auditor.metrics._importer_seen.labels("u").set(0)

    forget()
    service.GetPosition(user_id="u")
    assert seen(registry) == NOW / 1000
    forget()
    assert service.IngestEvents(**batch).repeated_batch
    assert seen(registry) == NOW / 1000
    forget()
    with pytest.raises(Refused, match="POSITION_MISMATCH"):
        service.IngestEvents(**{**batch, "from_position": "7", "to_position": "8"})
    assert seen(registry) == 0
    assert seen(registry, "somebody else") is None


def test_users_beyond_the_first_are_told_of_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_MOST_USERS", 3)
    registry = CollectorRegistry()
    counts = ServiceMetrics(registry)
    for number in range(6):
        counts.importer_called(str(number), 1000 * number)
        counts.ingested(str(number), number)
    counts.importer_called("0", 9000)
    values = {
        sample.labels["user_id"]: sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == NAME
    }
    assert values == {"0": 9, "1": 1, "2": 2, "(others)": 5}
    assert registry.get_sample_value("scalar_auditor_ingest_lag_seconds", {"user_id": "3"}) is None


def test_the_metrics_are_those_of_the_documentation_with_their_types_and_labels() -> None:
    registry = CollectorRegistry()
    ServiceMetrics(registry)
    collectors: set[Any] = set(registry._names_to_collectors.values())
    made = {
        f"{one._name}_total" if one._type == "counter" else one._name: (one._type, one._labelnames)
        for one in collectors
    }
    assert {name: labels for name, (_, labels) in made.items()} == OF_THE_SERVICES
    text = PAGE.read_text(encoding="utf-8")
    for name, (kind, labels) in made.items():
        row = re.search(rf"^\| `{name}` \| (\w+) \| ([^|]*)\|", text, re.MULTILINE)
        assert row is not None, name
        assert (row[1], tuple(re.findall(r"`(\w+)`", row[2]))) == (kind, labels)
    modes = {one._name: one._multiprocess_mode for one in collectors if one._type == "gauge"}
    # Of no living process alone: a worker that was started again has not seen them.
    assert modes == {"scalar_auditor_ingest_lag_seconds": "mostrecent", NAME: "max"}
