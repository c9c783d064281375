"""Does a real Prometheus see in a node with services what docs/metrics.md says, restarts included?

One node, one Prometheus: the tests of this file are steps of one story, in their order.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import signal
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.client import AuditorError, connect
from scalar_auditor.identity.first_admin import make_first_admin
from scalar_auditor.keys import KeyRing
from scalar_auditor.rpc.v1 import event_pb2, item_pb2
from scalar_auditor.schema_files import schema_files
from scalar_auditor.services import NAMES
from scalar_schema import read_files
from scalar_tx.connection_async import open_async
from scalar_tx.manager_async import AsyncTransactionManager
from scalar_tx.settings import load
from tests.cluster.node.running import Node, lives, until
from tests.kubernetes.prometheus_server import Prometheus, scraping
from tests.kubernetes.rule_files import MONITORING, ROOT
from tests.kubernetes.series import OF_THE_SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scalar_auditor.client import AuditorClient

pytestmark = pytest.mark.manifests

ADMIN = "ada@example.org"
PREFIX = "scalar_auditor_"
OURS = "0123456789abcdef0123456789abcdef01234567"
ROUNDS = 8  # of connections, which the kernel gives to either worker


class Story:
    """A node with all five services, and what was done there."""

    def __init__(self, folder: Path) -> None:
        keys = folder / "keys.json"
        keys.write_text(KeyRing.made("test").as_text())
        database = folder / "node" / "node.db"
        database.parent.mkdir()
        self.password = asyncio.run(prepared(f"sqlite:///{database}"))
        self.node = Node(
            folder / "node",
            "--workers",
            "2",
            "--decommission",
            "0",
            "--services",
            ",".join(NAMES),
            "--dev",
            environment={"SCALAR_AUDITOR_KEYS_FILE": str(keys), "SCALAR_AUDITOR_SMTP_URL": None},
        )
        self.token = ""
        self.position = 0
        self.tampered = 0
        self.wrong = 0
        self.last_call = 0.0

    def client(self, **who: Any) -> AuditorClient:
        return connect(f"grpc://{self.node.where}", **who)

    def admin(self) -> AuditorClient:
        return self.client(email=ADMIN, password=self.password)

    def work(self) -> None:
        """Over new connections: events come in, a file is altered, somebody guesses."""
        if not self.token:
            with self.admin() as admin:
                self.token = admin.identity.create_service_token(name="importer").token
        for _ in range(ROUNDS):
            with self.client(token=self.token) as importer:
                self._import(importer)
                importer.verification.register_item(
                    item_id="17", sha1_hash=OURS, version_id=str(self.position)
                )
        for _ in range(2):  # somebody else each time: how often one may be tried is limited
            self.wrong += 1
            somebody = {"email": f"{self.wrong}@example.org", "password": "not the password"}
            with (
                self.client(**somebody) as guesser,
                pytest.raises(AuditorError, match="password is wrong"),
            ):
                guesser.identity.get_user(user_email=ADMIN)
        with self.admin() as admin:
            verdict = admin.verification.verify_item(item_id="17", sha1_hash="f" * 40)
            assert [one.reason for one in verdict.findings] == ["FILE_DIFFERS"]
            self.tampered += 1

    def _import(self, importer: AuditorClient) -> None:
        event = event_pb2.Event(
            source_id=f"e{self.position}",
            event_type="UPLOAD",
            item_id="17",
            item=item_pb2.Item(
                item_id="17", item_type="FILE", name="contract.pdf", owner_email=ADMIN
            ),
            created_at=time.time_ns() // 1_000_000 - 90_000,
        )
        at = str(self.position) if self.position else ""
        self.position += 1
        importer.event.ingest_events(
            user_id="17", from_position=at, to_position=str(self.position), events=[event]
        )
        self.last_call = time.time()


async def prepared(target: str) -> str:
    """Make the tables, and the first admin; the password."""
    manager = AsyncTransactionManager(load(target), open_async)
    try:
        await manager.admin.create_coordinator_tables()
        for one in read_files(schema_files()):
            await manager.admin.create_table(one.name, one.schema)
        return await make_first_admin(manager, ADMIN)
    finally:
        await manager.close()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    story = Story(tmp_path_factory.mktemp("services"))
    with story.node:
        yield story


@pytest.fixture(scope="module")
def seen(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    target = f"127.0.0.1:{story.node.told['http_port']}"
    with scraping(tmp_path_factory.mktemp("seen") / "prometheus", target) as found:
        until(lambda: found.scraped() >= 2, "the node is not scraped", 30)
        yield found


def scrape_again(seen: Prometheus) -> None:
    """Wait until whatever was counted so far has been scraped, and rules have seen it."""
    before = seen.scraped()
    until(lambda: seen.scraped() >= before + 3, "the node is no longer scraped", 30)


def documented() -> dict[str, tuple[str, set[str]]]:
    """What docs/metrics.md says of each metric of the services: its type and its labels."""
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(rf"^\| `({PREFIX}\w+)` \| (\w+) \| ([^|]*)\|", text, re.MULTILINE)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def bare(series: str) -> str:
    return re.sub(r"_(bucket|count|sum)$", "", json.loads(series)["__name__"])


def calls(seen: Prometheus, method: str, code: str) -> float:
    return seen.value(f'{PREFIX}requests_total{{method="{method}", code="{code}"}}')


def test_every_method_stands_there_before_the_first_request(seen: Prometheus) -> None:
    at_0 = seen.query(f'{PREFIX}requests_total{{code="OK"}} == 0')
    methods = {(labels["service"], labels["method"]) for labels, _ in at_0}
    assert {service for service, _ in methods} == {f"{one.capitalize()}Service" for one in NAMES}
    assert len(methods) >= 50
    assert seen.value(f"{PREFIX}log_in_failures_total") == 0
    assert seen.value(f"{PREFIX}items_found_tampered_total") == 0
    # Nothing was ever imported here, and nothing looks as if.
    assert seen.query(f"{PREFIX}importer_seen_timestamp_seconds") == []


def test_series_are_those_of_the_documentation(story: Story, seen: Prometheus) -> None:
    story.work()
    scrape_again(seen)
    known = documented()
    assert known.keys() == OF_THE_SERVICES.keys()
    series = seen.series(PREFIX)
    assert {bare(one) for one in series} == known.keys()
    for one in series:
        labels = json.loads(one).keys() - {"__name__", "job", "instance", "le"}
        assert labels == known[bare(one)][1], one
    types = seen.get("metadata")
    assert {name: types[name][0]["type"] for name in known} == {
        name: kind for name, (kind, _) in known.items()
    }


def test_they_count_what_was_done_by_whichever_worker(story: Story, seen: Prometheus) -> None:
    scrape_again(seen)
    assert calls(seen, "IngestEvents", "OK") == story.position
    assert calls(seen, "VerifyItem", "OK") == story.tampered
    assert calls(seen, "Login", "UNAUTHENTICATED") == story.wrong
    assert seen.value(f"{PREFIX}log_in_failures_total") == story.wrong
    assert seen.value(f"{PREFIX}items_found_tampered_total") == story.tampered
    assert 89 <= seen.value(f'{PREFIX}ingest_lag_seconds{{user_id="17"}}') <= 150
    counted = seen.value(f'{PREFIX}request_seconds_count{{method="IngestEvents"}}')
    assert counted == story.position
    at = seen.value(f"{PREFIX}importer_seen_timestamp_seconds")
    assert story.last_call - 10 <= at <= story.last_call


def test_the_dashboard_shows_something_in_every_panel(seen: Prometheus) -> None:
    scrape_again(seen)
    board: dict[str, Any] = json.loads((MONITORING / "dashboards" / "services.json").read_text())
    empty = [
        panel["title"]
        for panel in board["panels"]
        for target in panel.get("targets", ())
        if not any(
            math.isfinite(value)
            for _, value in seen.query(target["expr"].replace("$instance", ".*"))
        )
    ]
    assert empty == []


def test_rules_can_be_evaluated_and_tell_of_the_tampering(seen: Prometheus) -> None:
    scrape_again(seen)
    rules = [rule for group in seen.get("rules")["groups"] for rule in group["rules"]]
    assert [rule["lastError"] for rule in rules if rule.get("lastError")] == []
    found = {alert["labels"]["alertname"] for alert in seen.get("alerts")["alerts"]}
    assert not found & {"ScalarDBAuditorImporterStopped", "ScalarDBAuditorIngestLag"}


def replaced(node: Node, killed: int) -> bool:
    return not lives(killed) and len(node.workers()) == 2


def test_a_worker_that_dies_leaves_every_series_as_it_was(story: Story, seen: Prometheus) -> None:
    story.work()
    scrape_again(seen)
    series = seen.series(PREFIX)
    assert not {one for one in series if "pid" in json.loads(one)}
    totals = {
        name: seen.value(f"sum({name})")
        for name in (
            f"{PREFIX}requests_total",
            f"{PREFIX}log_in_failures_total",
            f"{PREFIX}items_found_tampered_total",
        )
    }
    at = seen.value(f"{PREFIX}importer_seen_timestamp_seconds")
    # Each worker once: whichever of them was called last.
    for restarts in (1, 2):
        killed = story.node.workers()[0]
        os.kill(killed, signal.SIGKILL)
        until(partial(replaced, story.node, killed), "no worker was started again")
        scrape_again(seen)
        assert seen.value("scalardb_node_worker_restarts_total") == restarts
        assert seen.series(PREFIX) == series
        assert {name: seen.value(f"sum({name})") for name in totals} == totals
        assert seen.value(f"{PREFIX}importer_seen_timestamp_seconds") == at
    story.work()
    scrape_again(seen)
    assert seen.series(PREFIX) == series
    assert calls(seen, "IngestEvents", "OK") == story.position
    assert seen.value(f"{PREFIX}items_found_tampered_total") == story.tampered
    assert seen.value(f"{PREFIX}log_in_failures_total") == story.wrong
    assert seen.value(f"{PREFIX}importer_seen_timestamp_seconds") > at
    assert seen.value(f"max(resets({PREFIX}requests_total[10m]))") == 0
