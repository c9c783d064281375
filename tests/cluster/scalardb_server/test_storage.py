"""Are records read and written without transactions as ScalarDB Server does it (7)?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.messages import (
    PLAIN,
    THINGS,
    TRANSACTION,
    Tx,
    asks,
    condition,
    delete,
    get,
    key,
    put,
    record,
    scan,
)
from tests.cluster.scalardb_server.served import Client, Served

if TYPE_CHECKING:
    from collections.abc import Sequence

OK = (grpc.StatusCode.OK, "")
INVALID = grpc.StatusCode.INVALID_ARGUMENT
NO_TABLE = (INVALID, "The specified table is not found")
NOT_APPLIED = (grpc.StatusCode.FAILED_PRECONDITION, "CORE-20000: No mutation was applied")
GET, MUTATE, SCAN = (f"DistributedStorage/{name}" for name in ("Get", "Mutate", "Scan"))


def mutate(client: Client, *mutations: rpc.Mutation) -> None:
    client.call(MUTATE, rpc.MutateRequest(mutations=mutations))


def found(client: Client, read: rpc.Get) -> dict[str, Any] | None:
    response = client.call(GET, rpc.GetRequest(get=read))
    return record(response.result) if response.HasField("result") else None


def test_a_record_is_written_read_changed_and_removed(client: Client, pk: int) -> None:
    mutate(client, put(pk, of=PLAIN, v=1, w="a"), put(pk, 2, of=PLAIN, v=2))
    whole = {"pk": pk, "ck": 1, "v": 1, "w": "a", "big": None}
    assert found(client, get(pk, of=PLAIN)) == whole
    mutate(client, put(pk, of=PLAIN, v=0), delete(pk, 2, of=PLAIN))
    assert found(client, get(pk, of=PLAIN, projections=["v", "w"])) == {"v": 0, "w": "a"}
    assert found(client, get(pk, 2, of=PLAIN)) is None
    mutate(client, delete(pk, 2, of=PLAIN))  # of nothing, which is no error


@pytest.mark.parametrize(
    "there, where, applied",
    [
        (True, condition("PUT_IF_EXISTS"), True),
        (False, condition("PUT_IF_EXISTS"), False),
        (True, condition("PUT_IF_NOT_EXISTS"), False),
        (False, condition("PUT_IF_NOT_EXISTS"), True),
        (True, condition("PUT_IF", v=("EQ", 1), w=("IS_NULL", None)), True),
        (True, condition("PUT_IF", v=("EQ", 1), w=("IS_NOT_NULL", None)), False),
        (False, condition("PUT_IF", v=("EQ", 1)), False),
        (True, condition("DELETE_IF_EXISTS"), True),
        (False, condition("DELETE_IF_EXISTS"), False),
        (True, condition("DELETE_IF", v=("GTE", 1)), True),
        (True, condition("DELETE_IF", v=("LT", 1)), False),
    ],
)
def test_conditions(
    client: Client, there: bool, where: rpc.MutateCondition, applied: bool, pk: int
) -> None:
    if there:
        mutate(client, put(pk, of=PLAIN, v=1))
    puts = rpc.MutateCondition.Type.Name(where.type).startswith("PUT")
    mutation = (
        put(pk, of=PLAIN, condition=where, v=7) if puts else delete(pk, of=PLAIN, condition=where)
    )
    beside = put(pk, 2, of=PLAIN, v=2)
    request = rpc.MutateRequest(mutations=[beside, mutation])
    if applied:
        client.call(MUTATE, request)
        assert (found(client, get(pk, of=PLAIN)) or {"v": None})["v"] == (7 if puts else None)
    else:
        assert client.refused(MUTATE, request) == NOT_APPLIED
        assert (found(client, get(pk, of=PLAIN)) is not None) == there
    assert (found(client, get(pk, 2, of=PLAIN)) is not None) == applied


ABSENT = {"namespace": "shop", "table": "absent"}
NOTHING: dict[str, Any] = {}
SPANNING = "CORE-10019: Mutations that span multiple partitions are not supported."
NO_CONDITION = "CORE-10015: The condition is not properly specified. Operation: Put of shop.plain"
REFUSED: dict[str, tuple[str, Any, tuple[grpc.StatusCode, str]]] = {
    "get, no table": (GET, rpc.GetRequest(get=get(1, of=ABSENT)), NO_TABLE),
    "get of nothing": (GET, rpc.GetRequest(), NO_TABLE),
    "put, no table": (MUTATE, rpc.MutateRequest(mutations=[put(1, of=ABSENT)]), NO_TABLE),
    "a name with dots": (
        GET,
        rpc.GetRequest(get=get(1, of={"namespace": "a.b", "table": "c"})),
        NO_TABLE,
    ),
    "several partitions": (
        MUTATE,
        rpc.MutateRequest(mutations=[put(1, of=PLAIN, v=1), put(2, of=PLAIN, v=1)]),
        (INVALID, f"{SPANNING} Mutations: Put of shop.plain and Put of shop.plain"),
    ),
    "several tables": (
        MUTATE,
        rpc.MutateRequest(mutations=[put(1, of=PLAIN, v=1), put(1, of=ABSENT, v=1)]),
        (INVALID, f"{SPANNING} Mutations: Put of shop.plain and Put of shop.absent"),
    ),
    "a condition on a key": (
        MUTATE,
        rpc.MutateRequest(
            mutations=[put(1, of=PLAIN, v=1, condition=condition("PUT_IF", ck=("EQ", 1)))]
        ),
        (INVALID, NO_CONDITION),
    ),
    "a delete's condition": (
        MUTATE,
        rpc.MutateRequest(
            mutations=[put(1, of=PLAIN, v=1, condition=condition("DELETE_IF_EXISTS"))]
        ),
        (INVALID, NO_CONDITION),
    ),
    "nothing to write": (
        MUTATE,
        rpc.MutateRequest(),
        (INVALID, "CORE-10018: The mutations are empty"),
    ),
    "key": (
        GET,
        rpc.GetRequest(get=rpc.Get(partition_key=key(v=1), **PLAIN)),
        (
            INVALID,
            "CORE-10020: The partition key is not properly specified. Operation: Get of shop.plain",
        ),
    ),
    "half a key": (
        MUTATE,
        rpc.MutateRequest(mutations=[rpc.Mutation(partition_key=key(pk=1), **PLAIN)]),
        (
            INVALID,
            (
                "CORE-10021: The clustering key is not properly specified. "
                "Operation: Put of shop.plain"
            ),
        ),
    ),
    "projection": (
        GET,
        rpc.GetRequest(get=get(1, of=PLAIN, projections=["gone"])),
        (
            INVALID,
            (
                "CORE-10009: The specified projection is not found. Projection: gone, "
                "Operation: Get of shop.plain"
            ),
        ),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_request_that_can_not_be(client: Client, what: str) -> None:
    name, request, answer = REFUSED[what]
    assert client.refused(name, request) == answer


def test_a_transactional_table_is_seen_as_it_is_stored(client: Client, pk: int) -> None:
    talk = client.stream(TRANSACTION)
    name = talk.ask(asks(Tx, "begin")).begin_response.transaction_id
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)]))
    talk.ask(asks(Tx, "commit"))
    talk.end()
    stored = found(client, get(pk, of=THINGS))
    assert stored is not None
    assert (stored["v"], stored["tx_id"], stored["tx_state"]) == (1, name, 3)
    assert "before_v" in stored
    decision = rpc.Get(
        namespace="coordinator",
        table="state",
        partition_key=rpc.Key(columns=[rpc.Column(name="tx_id", text_value=name)]),
        projections=["tx_state"],
    )
    assert found(client, decision) == {"tx_state": 3}


def test_a_get_by_an_index_value(client: Client, pk: int) -> None:
    mark = f"plain-{pk}"
    mutate(client, put(pk, 1, of=PLAIN, w=mark), put(pk, 2, of=PLAIN, w=f"{mark}!"))
    by_index = rpc.Get(partition_key=key(w=mark), projections=["ck"], **PLAIN)
    assert found(client, by_index) == {"ck": 1}
    mutate(client, put(pk, 2, of=PLAIN, w=mark))
    code, text = client.refused(GET, rpc.GetRequest(get=by_index))
    assert code is INVALID
    assert text.startswith("CORE-10068: Please use scan() for non-exact match selection")
    assert found(client, rpc.Get(partition_key=key(w="nobody's"), **PLAIN)) is None


def test_clients_before_3_6_get_values(client: Client, pk: int) -> None:
    def old(name: str, value: int) -> rpc.Key:
        return rpc.Key(value=[rpc.Value(name=name, int_value=value)])

    write = rpc.Mutation(
        partition_key=old("pk", pk),
        clustering_key=old("ck", 1),
        value=[rpc.Value(name="v", int_value=3)],
        **PLAIN,
    )
    mutate(client, write)
    read = rpc.Get(
        partition_key=old("pk", pk), clustering_key=old("ck", 1), projections=["v"], **PLAIN
    )
    result = client.call(GET, rpc.GetRequest(get=read)).result
    assert not result.columns
    assert [(one.name, one.int_value) for one in result.value] == [("v", 3)]
    talk = client.stream(SCAN)
    page = talk.ask(
        rpc.ScanRequest(scan=rpc.Scan(partition_key=old("pk", pk), projections=["v"], **PLAIN))
    )
    assert [one.value[0].int_value for one in page.results] == [3]
    assert talk.end() == OK


# Scans.


def pages(client: Client, first: rpc.Scan, counts: Sequence[int | None]) -> list[list[int]]:
    """The clustering keys of each page; the stream must end with the last."""
    talk, read = client.stream(SCAN), list[list[int]]()
    request = rpc.ScanRequest(scan=first)
    while True:
        count = counts[min(len(read), len(counts) - 1)]
        if count is not None:
            request.fetch_count = count
        page = talk.ask(request)
        read.append([record(one)["ck"] for one in page.results])
        if not page.has_more_results:
            assert talk.end() == OK
            return read
        assert page.results, "an empty page that claims more"
        assert count is None or len(page.results) == count
        request = rpc.ScanRequest()


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 200, 250])
def test_pages_have_a_hundred_records_and_tell_exactly_whether_there_are_more(
    client: Client, size: int, pk: int
) -> None:
    if size:
        mutate(client, *[put(pk, ck, of=PLAIN, v=ck) for ck in range(size)])
    read = pages(client, scan(pk, of=PLAIN), [None])
    assert [len(page) for page in read] == ([100] * (size // 100) + [size % 100])[
        : max(1, -(-size // 100))
    ]
    assert [ck for page in read for ck in page] == [*range(size)]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(0, 12),
    limit=st.integers(0, 14),
    counts=st.lists(st.integers(1, 13) | st.none(), min_size=1, max_size=4),
)
def test_pages_of_any_size(client: Client, size: int, limit: int, counts: list[int | None]) -> None:
    partition = 1_000_000 + size
    if size:
        mutate(client, *[put(partition, ck, of=PLAIN, v=ck) for ck in range(size)])
    read = pages(client, scan(partition, of=PLAIN, limit=limit), counts)
    expected = [*range(size)][: limit or None]
    assert [ck for page in read for ck in page] == expected


def test_ranges_orders_and_indexes(client: Client, pk: int) -> None:
    mark = f"scan-{pk}"
    mutate(client, *[put(pk, ck, of=PLAIN, w=mark) for ck in range(6)])
    ranged = scan(
        pk,
        of=PLAIN,
        start_clustering_key=key(ck=1),
        end_clustering_key=key(ck=4),
        end_inclusive=True,
        orderings=[rpc.Ordering(name="ck", order=rpc.ORDER_DESC)],
    )
    assert pages(client, ranged, [2]) == [[4, 3], [2]]
    by_index = rpc.Scan(partition_key=key(w=mark), **PLAIN)
    assert sorted(ck for page in pages(client, by_index, [4]) for ck in page) == [*range(6)]
    everything = pages(client, scan(None, of=PLAIN, projections=["ck"]), [7])
    assert sum(map(len, everything)) >= 6


def test_a_page_ends_before_a_message_is_full(pk: int) -> None:
    from tests.cluster.scalardb_server.conftest import make_tables

    served = Served("memory://", largest_answer=10_000)
    make_tables(served)
    client = Client(served.port)
    mutate(client, *[put(pk, ck, of=PLAIN, big=bytes(4000)) for ck in range(5)])
    assert pages(client, scan(pk, of=PLAIN), [None]) == [[0, 1], [2, 3], [4]]
    mutate(client, put(pk, 1, of=PLAIN, big=bytes(20_000)))
    talk = client.stream(SCAN)
    page = talk.ask(rpc.ScanRequest(scan=scan(pk, of=PLAIN)))
    assert [record(one)["ck"] for one in page.results] == [0]
    talk.send(rpc.ScanRequest())
    code, text = talk.end()
    assert code is grpc.StatusCode.INTERNAL
    assert "read fewer of its columns" in text
    assert client.refused(GET, rpc.GetRequest(get=get(pk, 1, of=PLAIN)))[0] is code
    client.close()
    served.close()


BAD_SCANS: dict[str, tuple[list[rpc.ScanRequest], tuple[grpc.StatusCode, str]]] = {
    "without scan": (
        [rpc.ScanRequest()],
        (
            INVALID,
            "the request doesn't have a Scan object even though scanner hasn't been opened yet",
        ),
    ),
    "no table": ([rpc.ScanRequest(scan=scan(1, of=ABSENT))], NO_TABLE),
    "limit": (
        [rpc.ScanRequest(scan=scan(1, of=PLAIN, limit=-1))],
        (INVALID, "CORE-10005: The limit cannot be negative. Operation: Scan of shop.plain"),
    ),
    "no records a page": (
        [rpc.ScanRequest(scan=scan(1, of=PLAIN), fetch_count=0)],
        (INVALID, "fetch_count is 0, and a page has at least one record"),
    ),
    "fewer than none": (
        [rpc.ScanRequest(scan=scan(1, of=PLAIN), fetch_count=-1)],
        (INVALID, "fetch_count is -1, and a page has at least one record"),
    ),
    "bound": (
        [rpc.ScanRequest(scan=scan(1, of=PLAIN, start_clustering_key=key(v=1)))],
        (INVALID, "CORE-10011: The start clustering key is not properly specified. "),
    ),
}


@pytest.mark.parametrize("what", BAD_SCANS)
def test_a_scan_that_can_not_be(client: Client, what: str) -> None:
    (request,), (code, text) = BAD_SCANS[what]
    talk = client.stream(SCAN)
    talk.send(request)
    ended = talk.end()
    assert ended[0] is code
    assert ended[1].startswith(text)


@pytest.mark.parametrize(
    "later", [rpc.ScanRequest(scan=scan(1, of=PLAIN)), rpc.ScanRequest(fetch_count=0)]
)
def test_a_later_page_that_can_not_be(client: Client, later: rpc.ScanRequest, pk: int) -> None:
    mutate(client, *[put(pk, ck, of=PLAIN) for ck in range(3)])
    talk = client.stream(SCAN)
    talk.ask(rpc.ScanRequest(scan=scan(pk, of=PLAIN), fetch_count=1))
    talk.send(later)
    assert talk.end()[0] is INVALID


@pytest.mark.parametrize("how", ["cancel", "half_close"])
def test_a_scan_that_is_left_early_is_closed(
    client: Client, server: Served, how: str, pk: int
) -> None:
    mutate(client, *[put(pk, ck, of=PLAIN) for ck in range(3)])
    talk = client.stream(SCAN)
    assert talk.ask(rpc.ScanRequest(scan=scan(pk, of=PLAIN), fetch_count=1)).has_more_results
    assert server.gate.outstanding == 1
    getattr(talk, how)()
    expected = grpc.StatusCode.CANCELLED if how == "cancel" else grpc.StatusCode.OK
    assert talk.end()[0] is expected
    assert server.drained()


def test_bytes_are_those_of_the_java_server(client: Client, pk: int) -> None:
    mutate(client, put(pk, of=PLAIN, v=1))
    absent = client.call(GET, rpc.GetRequest(get=get(pk, 2, of=PLAIN)))
    assert absent.SerializeToString() == b""
    talk = client.stream(SCAN)
    page = talk.ask(rpc.ScanRequest(scan=scan(pk, of=PLAIN, projections=["v"])))
    assert page.SerializeToString().hex() == "120712050a01761801"
    assert talk.end() == OK
