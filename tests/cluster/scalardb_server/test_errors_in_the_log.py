"""Does the log of ScalarDB Server's protocol repeat what a database said? That names rows."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import ReplyLostError, StorageBusyError, StorageUnavailableError
from tests.cluster.scalardb_server.messages import TWO_PHASE, Two, Tx, asks, get, put
from tests.cluster.scalardb_server.talks import begun, error_of
from tests.cluster.storage_fault import Fault, worded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.scalardb_server.served import Client, Served

CANARY = "canary-row-17ce"
KIND = r"[A-Z]\w+Error(?: \[STX-\d{4}\])?"


@pytest.fixture
def fault(server: Served, caplog: pytest.LogCaptureFixture) -> Iterator[Fault]:
    caplog.set_level(logging.DEBUG)
    made = Fault(server.parts.storage)
    yield made
    made.take_out()
    assert made.met


def told(caplog: pytest.LogCaptureFixture, line: str) -> None:
    """There is such a line, it ends in kinds and codes, and nothing says what the error said."""
    assert re.search(rf"{line}{KIND}(?: from {KIND})*$", caplog.text, re.MULTILINE)
    assert CANARY not in caplog.text


def test_a_state_that_can_not_be_read(
    client: Client, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    fault.put_in("get", worded(StorageUnavailableError, CANARY))
    method = "DistributedTransaction/GetState"
    client.call(method, client.request(method, transaction_id="somebody"))
    told(caplog, r"the state of somebody is not known: ")


def test_a_conflict_that_can_not_be_put_on_record(
    client: Client, fault: Fault, caplog: pytest.LogCaptureFixture, pk: int
) -> None:
    talk = begun(client)
    talk.ask(asks(Tx, "get", get=get(pk)))
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)]))
    fault.put_in("mutate", worded(StorageBusyError, CANARY))
    assert error_of(talk.ask(asks(Tx, "commit")))[0] == "TRANSACTION_CONFLICT"
    fault.take_out()
    talk.end()
    told(caplog, r"that \S+ has failed is not on record: ")


def test_a_stream_that_ended_and_can_not_be_rolled_back(
    client: Client, fault: Fault, server: Served, caplog: pytest.LogCaptureFixture, pk: int
) -> None:
    talk = client.stream(TWO_PHASE)
    talk.ask(asks(Two, "begin"))
    talk.ask(asks(Two, "mutate", mutations=[put(pk, v=1)]))
    talk.ask(asks(Two, "prepare"))
    fault.put_in("mutate", worded(ReplyLostError, CANARY))
    fault.put_in("get", worded(StorageUnavailableError, CANARY))
    talk.cancel()
    assert server.drained()
    fault.take_out()
    told(caplog, r"the transaction \S+ of a stream that ended: ")
