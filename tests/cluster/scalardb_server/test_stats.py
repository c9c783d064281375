"""Are calls counted under the names of ScalarDB Server (15), for dashboards made for it?"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from prometheus_client import CollectorRegistry

from scalar_tx.observe.scalardb_stats import (
    QUANTILES,
    WINDOW_SECONDS,
    ServerCalls,
    ServerStats,
    without_calls,
)
from tests.cluster.scalardb_server.messages import (
    PLAIN,
    TRANSACTION,
    TWO_PHASE,
    Two,
    Tx,
    asks,
    get,
    put,
    scan,
)
from tests.cluster.scalardb_server.test_methods import ROWS

if TYPE_CHECKING:
    from tests.cluster.scalardb_server.served import Client, Served

ADMINISTRATION = (
    "create_namespace drop_namespace create_table drop_table truncate_table create_index "
    "drop_index get_table_metadata get_namespace_table_names namespace_exists repair_table "
    "add_new_column_to_table"
)
TRANSACTIONS = (
    "transaction_begin transaction_start transaction_get transaction_scan transaction_mutate "
    "transaction_commit transaction_rollback transaction_abort get_state rollback abort"
)
NAMES = {
    "distributed_storage": "get mutate scan_open_scanner scan_next",
    "distributed_storage_admin": ADMINISTRATION,
    "distributed_transaction": TRANSACTIONS,
    "two_phase_commit_transaction": (
        f"{TRANSACTIONS} transaction_join transaction_prepare transaction_validate"
    ),
    "distributed_transaction_admin": (
        f"{ADMINISTRATION} create_coordinator_tables drop_coordinator_tables "
        "truncate_coordinator_tables coordinator_tables_exist repair_coordinator_tables"
    ),
}
ALL = {
    f"scalardb_stats_{service}_{method}"
    for service, methods in NAMES.items()
    for method in methods.split()
}
TOTAL = {f"scalardb_stats_total_{outcome}" for outcome in ("success", "failure")}


def told(registry: CollectorRegistry) -> dict[str, Any]:
    """Each family by its name."""
    return {one.name: one for one in ServerStats()(registry.collect())}


def counts(registry: CollectorRegistry, method: str) -> tuple[float, float]:
    """How often a method was called with success, and without."""
    found = told(registry)
    values = []
    for outcome in ("success", "failure"):
        family = found.get(f"scalardb_stats_{method}_{outcome}")
        values.append(0.0 if family is None else family.samples[0].value)
    return values[0], values[1]


def both_ways(client: Client, request: type[Any], pk: int) -> None:
    """Every request of a stream, in transactions of one service."""
    for kind, end in (("begin", "commit"), ("start", "rollback"), ("begin", "abort")):
        two = request is Two
        talk = client.stream(TWO_PHASE if two else TRANSACTION)
        talk.ask(asks(request, kind))
        talk.ask(asks(request, "get", get=get(pk)))
        talk.ask(asks(request, "scan", scan=scan(pk)))
        talk.ask(asks(request, "mutate", mutations=[put(pk, v=1)]))
        if two and end == "commit":
            talk.ask(asks(request, "prepare"))
            talk.ask(asks(request, "validate"))
        talk.ask(asks(request, end))
    if request is Two:
        first, second = client.stream(TWO_PHASE), client.stream(TWO_PHASE)
        name = first.ask(asks(Two, "begin")).begin_response.transaction_id
        second.ask(asks(Two, "join", transaction_id=name))
        for one in (first, second):
            one.ask(asks(Two, "rollback"))


def test_every_method_has_its_series_and_there_are_no_others(
    client: Client, server: Served, pk: int
) -> None:
    assert len(ALL) == 4 + 12 + 11 + 14 + 17
    client.stream("DistributedStorage/Scan").ask(
        client.request("DistributedStorage/Scan", scan=scan(pk, of=PLAIN))
    )
    for request in (Tx, Two):
        both_ways(client, request, pk)
    for name, fields, _ in ROWS:
        client.call(name, client.request(name, **fields))
    found = told(server.registry)
    outcomes = {f"{name}_{outcome}" for name in ALL for outcome in ("success", "failure")}
    assert found.keys() == ALL | outcomes | TOTAL
    for name in ALL:
        summary = found[name]
        assert summary.type == "summary"
        assert [one.labels for one in summary.samples] == [
            *({"quantile": str(quantile)} for quantile in QUANTILES),
            {},
        ]
        *quantiles, last = summary.samples
        assert all(0 < one.value < 10 for one in quantiles)
        assert last.name == f"{name}_count"
        assert last.value == sum(counts(server.registry, name.removeprefix("scalardb_stats_")))
    assert {found[name].type for name in outcomes | TOTAL} == {"gauge"}
    total = sum(found[name].samples[0].value for name in outcomes)
    assert sum(found[name].samples[0].value for name in TOTAL) == total


def test_a_failure_is_one_also_where_it_is_answered_in_the_stream(
    client: Client, server: Served, pk: int
) -> None:
    names = ["distributed_transaction_transaction_get", "distributed_storage_get"]
    before = [counts(server.registry, name) for name in names]
    talk = client.stream(TRANSACTION)
    talk.ask(asks(Tx, "begin"))
    missing = get(pk, of={"namespace": "no", "table": "where"})
    assert talk.ask(asks(Tx, "get", get=missing)).HasField("error")
    talk.ask(asks(Tx, "get", get=get(pk)))
    talk.ask(asks(Tx, "rollback"))
    request = client.request("DistributedStorage/Get", get=missing)
    client.refused("DistributedStorage/Get", request)
    after = [counts(server.registry, name) for name in names]
    assert [(b[0] - a[0], b[1] - a[1]) for a, b in zip(before, after, strict=True)] == [
        (1, 1),
        (0, 1),
    ]


def test_what_a_pause_refuses_is_not_counted(client: Client, server: Served, pk: int) -> None:
    before = [*map(str, ServerStats()(server.registry.collect()))]
    server.gate.close()
    try:
        request = client.request("DistributedStorage/Get", get=get(pk, of=PLAIN))
        assert client.refused("DistributedStorage/Get", request)[0] is grpc.StatusCode.UNAVAILABLE
        talk = client.stream(TRANSACTION)
        talk.send(asks(Tx, "begin"))
        assert talk.end()[0] is grpc.StatusCode.UNAVAILABLE
    finally:
        server.gate.open()
    assert [*map(str, ServerStats()(server.registry.collect()))] == before


def test_quantiles_are_of_the_last_minutes() -> None:
    now = [1000.0]
    registry = CollectorRegistry()
    calls, stats = ServerCalls(registry), ServerStats(lambda: now[0])

    def median() -> float:
        found = {one.name: one for one in stats(registry.collect())}
        value: float = found["scalardb_stats_s_m"].samples[0].value
        return value

    def call(seconds: float, times: int) -> None:
        for _ in range(times):
            calls._observed("s", "m", "success")(seconds)

    call(0.01, 100)
    assert median() == pytest.approx(0.01, rel=0.25)
    for _ in range(12):  # scraped every half minute
        now[0] += 30
        call(1.0, 1)
        found = median()
        if now[0] < 1000 + WINDOW_SECONDS:
            assert found == pytest.approx(0.01, rel=0.25)
    assert found == pytest.approx(1.0, rel=0.25)
    now[0] += 2 * WINDOW_SECONDS
    median()  # whoever asks seldom is told of all that was since
    now[0] += 2 * WINDOW_SECONDS
    assert math.isnan(median())
    assert len(stats._snapshots) <= 2 + WINDOW_SECONDS / 10


def test_nobody_else_sees_them() -> None:
    registry = CollectorRegistry()
    ServerCalls(registry)._observed("s", "m", "failure")(0.1)
    assert [*without_calls(registry.collect())] == []


def test_names_of_services_are_those_of_the_protocol() -> None:
    services = {re.sub(r"\B[A-Z]", r"_\g<0>", name.split("/")[0]).lower() for name, _, _ in ROWS}
    assert services - {"admin"} == NAMES.keys()
