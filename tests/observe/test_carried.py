"""How does a trace go on in a node, and what does the node tell?"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import SpanKind

import scalar_tx
from scalar_tx import Script
from scalar_tx.cluster.messages.operations import scan_message
from scalar_tx.cluster.messages.records import records_of
from scalar_tx.cluster.node_server import execute
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.cluster.rpc.v1 import values_pb2
from scalar_tx.model.operations import Scan
from scalar_tx.observe.carried import served as told
from scalar_tx.scripts import run_transaction
from tests.cluster.served import Served
from tests.faces.tables import ACCOUNT
from tests.observe.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import TracerProvider


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served("memory://")
    yield made
    made.close()


@pytest.fixture
def node(served: Served) -> Iterator[scalar_tx.TransactionManager]:
    with scalar_tx.connect(served.url) as db:
        db.admin.create_table(
            ACCOUNT, columns={"id": "INT", "balance": "BIGINT"}, partition_key=["id"]
        )
        for number in range(10):
            db.insert(ACCOUNT, {"id": number, "balance": 100})
        assert served.at_rest()
        yield db


@pytest.fixture
def seen(provider: TracerProvider, node: Any, served: Served) -> Seen:
    found = Seen(provider, served.at_rest)
    found.forget()
    return found


def change(tx: Any) -> None:
    found = tx.get(ACCOUNT, {"id": 1})
    tx.update(ACCOUNT, {"id": 1}, {"balance": found["balance"] + 1})


def test_a_node_tells_its_part_below_the_attempt(
    node: scalar_tx.TransactionManager, seen: Seen
) -> None:
    others = iter([True, False])

    def work(tx: Any) -> None:
        change(tx)
        if next(others):
            node.update(ACCOUNT, {"id": 1}, {"balance": 5})

    node.run(work)
    assert seen.tree(nodes=True) == [
        "transaction committed",
        "  attempt aborted ConflictError",
        "    node.transaction aborted ConflictError",
        "    transaction committed",
        "      attempt committed",
        "        node.transaction committed",
        "  attempt committed",
        "    node.transaction committed",
    ]
    assert {one.kind for one in seen.spans("scalar_tx.node.")} == {SpanKind.SERVER}
    assert {one.kind for one in seen.spans("scalar_tx.attempt")} == {SpanKind.CLIENT}
    for attempt in seen.spans("scalar_tx.attempt"):
        (below,) = [
            one
            for one in seen.spans("scalar_tx.node.")
            if one.parent is not None and one.parent.span_id == attempt.context.span_id
        ]
        told = dict(below.attributes or {})
        name = "scalar_tx.transaction.id"
        assert told[name] == (attempt.attributes or {})[name]
        assert told["rpc.system.name"] == "grpc"
        assert told["rpc.method"] == "scalar_tx.v1.Transactions/Transact"


def test_a_transaction_by_hand_goes_on_in_its_node(
    node: scalar_tx.TransactionManager, seen: Seen
) -> None:
    tx = node.begin()
    change(tx)
    tx.commit()
    assert seen.tree(nodes=True) == ["transaction committed", "  node.transaction committed"]


def test_what_the_program_does_between_is_above_the_node(
    node: scalar_tx.TransactionManager, seen: Seen, provider: TracerProvider
) -> None:
    with node.begin() as tx, provider.get_tracer("shop").start_as_current_span("think"):
        change(tx)
    assert seen.tree(nodes=True) == [
        "transaction committed",
        "  think",
        "    node.transaction committed",
    ]


def test_another_thread_of_the_program_knows_no_trace(
    node: scalar_tx.TransactionManager, seen: Seen
) -> None:
    with node.begin() as tx:
        elsewhere = threading.Thread(target=change, args=(tx,))
        elsewhere.start()
        elsewhere.join()
    assert seen.tree(nodes=True) == ["transaction committed", "  node.transaction committed"]


def test_a_transaction_that_was_rolled_back(node: scalar_tx.TransactionManager, seen: Seen) -> None:
    tx = node.begin()
    change(tx)
    tx.rollback()
    assert seen.tree(nodes=True) == ["transaction aborted", "  node.transaction aborted"]


def test_a_script_that_its_node_runs_again(
    node: scalar_tx.TransactionManager,
    served: Served,
    seen: Seen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script()
    account = script.get(ACCOUNT, {"id": 1})
    script.update(ACCOUNT, {"id": 1}, {"balance": account["balance"] + 1})
    others = iter([True, False])

    async def disturbed(steps: Any, script: Script) -> Any:
        if next(others):
            commit = steps.commit

            async def too_late() -> None:
                await served.manager.update(ACCOUNT, {"id": 1}, {"balance": 7})
                await commit()

            steps.commit = too_late
        return await run_transaction(steps, script)

    monkeypatch.setattr(execute, "run_transaction", disturbed)
    node.execute(script)
    assert seen.tree(nodes=True) == [
        "transaction committed",
        "  attempt committed",
        "    node.script committed",
        "      attempt aborted ConflictError",
        "        transaction committed",
        "          attempt committed",
        "      attempt committed",
    ]
    numbers = [
        (one.attributes or {})["scalar_tx.attempt.number"]
        for one in seen.spans("scalar_tx.attempt")
        if (one.attributes or {})["db.operation.name"] == "script"
    ]
    assert numbers == [1, 1, 2]


class Shouting(TextMapPropagator):
    """A propagator that writes capital letters, and one value that gRPC can't send."""

    @property
    def fields(self) -> set[str]:
        return {"X-Trace", "X-Other"}

    def __init__(self) -> None:
        self.received: list[Any] = []

    def inject(self, carrier: Any, context: Any = None, setter: Any = None) -> None:
        carrier["X-Trace"] = "here"
        carrier["X-Other"] = "ü\n"

    def extract(self, carrier: Any, context: Any = None, getter: Any = None) -> Context:
        self.received.append((carrier.get("X-Trace"), carrier.get("X-Other")))
        return Context()


class Failing(Shouting):
    def inject(self, carrier: Any, context: Any = None, setter: Any = None) -> None:
        raise LookupError("no headers")

    def extract(self, carrier: Any, context: Any = None, getter: Any = None) -> Context:
        raise LookupError("no headers")


@pytest.fixture(params=[Shouting, Failing])
def propagator(request: pytest.FixtureRequest) -> Iterator[Shouting]:
    before = propagate.get_global_textmap()
    made: Shouting = request.param()
    propagate.set_global_textmap(made)
    yield made
    propagate.set_global_textmap(before)


@pytest.mark.parametrize("propagator", [Shouting], indirect=True)
def test_headers_are_what_the_program_says(
    node: scalar_tx.TransactionManager, seen: Seen, propagator: Shouting
) -> None:
    node.run(change)
    assert seen.at_rest()
    assert propagator.received == [("here", None)]


@pytest.mark.parametrize("propagator", [Failing], indirect=True)
def test_no_header_no_harm(
    node: scalar_tx.TransactionManager,
    seen: Seen,
    propagator: Shouting,
    caplog: pytest.LogCaptureFixture,
) -> None:
    node.run(change)
    assert seen.tree(nodes=True) == [
        "transaction committed",
        "  attempt committed",
        "node.transaction committed",
    ]
    texts = [one.getMessage() for one in caplog.records if one.name == "scalar_tx.tracing"]
    assert texts == [
        "a call bears no trace; transactions go on without",
        "the trace that a call bears is not joined; transactions go on without",
    ]


def test_calls_that_were_told_already_are_below_what_told_them(
    seen: Seen, provider: TracerProvider
) -> None:
    with provider.get_tracer("grpc").start_as_current_span("Transact"), told("script", "m", ()):
        pass
    assert seen.tree(nodes=True) == ["Transact", "  node.script"]
    assert seen.one("scalar_tx.node.").kind is SpanKind.INTERNAL


def test_other_calls_about_transactions(
    node: scalar_tx.TransactionManager, seen: Seen, provider: TracerProvider
) -> None:
    with provider.get_tracer("shop").start_as_current_span("look"):
        node.settle("somebody's")
        node.state("somebody's")
        node.recover(ACCOUNT, {"id": 1})
        node.admin.table(ACCOUNT)
    assert seen.tree(nodes=True) == ["look", "  node.settle", "  node.state", "  node.recover"]


def test_a_scan_of_another_language(served: Served, node: Any, seen: Seen) -> None:
    whole = rpc.ScanPagesRequest(
        begin=rpc.Begin(transaction_id="theirs"),
        scan=scan_message(Scan(ACCOUNT, whole_table=True)),
    )
    bears = (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),)
    with grpc.insecure_channel(f"127.0.0.1:{served.port}") as channel:
        ask = channel.unary_stream(
            "/scalar_tx.v1.Transactions/ScanPages",
            rpc.ScanPagesRequest.SerializeToString,
            values_pb2.Records.FromString,
        )
        assert sum(len(records_of(page)) for page in ask(whole, metadata=bears)) == 10
    span = seen.one("scalar_tx.node.scan")
    assert span.context.trace_id == 0x0AF7651916CD43DD8448EB211C80319C
    assert span.parent is not None
    assert span.parent.span_id == 0xB7AD6B7169203331
    assert seen.told("scalar_tx.node.scan")["scalar_tx.transaction.outcome"] == "committed"


def test_what_is_refused_is_an_error(served: Served, node: Any, seen: Seen) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{served.port}") as channel:
        ask = channel.unary_unary(
            "/scalar_tx.v1.Transactions/GetState",
            rpc.TransactionName.SerializeToString,
            rpc.Decision.FromString,
        )
        with contextlib.suppress(grpc.RpcError):
            ask(rpc.TransactionName(transaction_id=""))
    assert seen.tree(nodes=True) == ["node.state InvalidOperationError"]
