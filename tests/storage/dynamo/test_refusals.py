"""Groups of writes of which one is judged here, pages that can't be read: what is told then?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from scalar_tx.errors import SchemaError, StorageBusyError, WriteRefusedError
from scalar_tx.model.conditions import column
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.blocking import run_blocking as run
from scalar_tx.storage.dynamo.keys import Keys
from scalar_tx.storage.dynamo.settings import DynamoSettings
from scalar_tx.storage.dynamo.storage import DynamoStorage
from scalar_tx.storage.interface import ScanRequest, WholeTableSource, Write
from tests.storage.dynamo.service import Reply, Service, refusal, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE: Final = Table("ns.t", TableSchema({"p": "INT", "t": "TEXT"}, ["p"]))
JUDGED: Final = Write(TABLE, (1,), {"t": "b"}, column("t").like("a%_x"))
PLAIN: Final = Write(TABLE, (2,), {"t": "b"}, column("t") == "a")


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as service:
        yield service


@pytest.fixture
def storage(service: Service) -> Iterator[DynamoStorage]:
    opened = DynamoStorage(
        DynamoSettings("us-west-2", service.endpoint, access_key="k", secret_key="s", patience=0.0)
    )
    yield opened
    run(opened.close())


def item(p: int, **more: Any) -> dict[str, Any]:
    key = {name: {"B": value["B"].hex()} for name, value in Keys(TABLE).item_key((p,)).items()}
    return {**key, "p": {"N": str(p)}, **more}


def refused(*reasons: str) -> Reply:
    return refusal(
        "TransactionCanceledException",
        "Transaction cancelled",
        CancellationReasons=[{"Code": reason} for reason in reasons],
    )


FOUND: Final = Reply(200, {"Item": item(1, t={"S": "abcx"})})
UNMET: Final = "ConditionalCheckFailed"


@pytest.mark.parametrize("reasons", [("None", UNMET), (UNMET, UNMET)])
def test_another_ones_unmet_condition_is_a_refusal(
    service: Service, storage: DynamoStorage, reasons: tuple[str, ...]
) -> None:
    service.replies = [FOUND, refused(*reasons)]
    with pytest.raises(WriteRefusedError, match=r"ns\.t \(2,\)"):
        run(storage.mutate([JUDGED, PLAIN]))
    assert service.operations == ["GetItem", "TransactWriteItems"]


def test_what_was_judged_and_has_changed_is_judged_again(
    service: Service, storage: DynamoStorage
) -> None:
    service.replies = [FOUND, refused(UNMET, "None"), FOUND, Reply()]
    run(storage.mutate([JUDGED, PLAIN]))
    assert service.operations == ["GetItem", "TransactWriteItems"] * 2
    service.sent.clear()
    service.replies = [FOUND, refused(UNMET, "None")] * 10
    with pytest.raises(StorageBusyError):
        run(storage.mutate([JUDGED, PLAIN]))


def test_a_page_that_can_t_be_read_is_not_skipped(service: Service, storage: DynamoStorage) -> None:
    wrong = {"Items": [{"p": {"S": "x"}}], "LastEvaluatedKey": {"p": {"S": "x"}}}
    service.replies = [Reply(200, wrong)]
    pages = storage.scan(ScanRequest(TABLE, WholeTableSource()))
    for _ in range(2):
        with pytest.raises(SchemaError):
            run(pages.next_page())
    assert service.sent[0] == service.sent[1]
