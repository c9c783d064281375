"""Which bytes become a request, and which are refused before anything is made of them?"""

from __future__ import annotations

import time
from typing import Any

import pytest

from scalar_tx.cluster.empties import too_many
from scalar_tx.cluster.intake import reader, taken
from scalar_tx.cluster.messages.values import MalformedError
from scalar_tx.cluster.rpc.v1 import operations_pb2, values_pb2
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from tests.cluster.abuse.calls import empty_elements, nested

pytestmark = pytest.mark.nodes

KINDS = (rpc.ScanPagesRequest, rpc.ScanPagesRequest, rpc.ExecuteRequest)


@pytest.mark.parametrize("which", range(3))
def test_millions_of_empty_elements_are_refused_before_they_are_made(which: int) -> None:
    body, kind = empty_elements()[which], KINDS[which]
    assert too_many(kind.DESCRIPTOR, body, 100_000)
    began = time.process_time()
    with pytest.raises(MalformedError, match="more than 100000 elements"):
        taken(reader(kind, 10_000)(body))
    assert time.process_time() - began < 0.02  # to make them takes some 40 ms


def batch(operations: int, columns: int, value: Any) -> bytes:
    names = [str(number) for number in range(columns)]
    key = values_pb2.Columns(names=names, values=[value] * columns)
    get = operations_pb2.Operation(get=operations_pb2.Get(table="a.b", key=key))
    return rpc.Request(batch=rpc.Batch(operations=[get] * operations)).SerializeToString()


@pytest.mark.parametrize("value", [values_pb2.Value(), values_pb2.Value(integer=7)])
def test_elements_are_counted_wherever_they_are(value: values_pb2.Value) -> None:
    read = reader(rpc.Request, 1000)
    assert len(taken(read(batch(100, 49, value))).batch.operations) == 100  # 9900 in all
    assert len(taken(read(batch(99, 50, value))).batch.operations) == 99  # 9999
    with pytest.raises(MalformedError, match="more than 10000 elements"):
        taken(read(batch(100, 50, value)))  # 10100


def test_a_large_value_that_looks_like_elements_is_none() -> None:
    blob = values_pb2.Value(blob=b"\x0a\x00" * 1_000_000)
    body = batch(1, 1, blob)
    assert not too_many(rpc.Request.DESCRIPTOR, body, 100_000)
    assert taken(reader(rpc.Request, 10_000)(body)).batch.operations[0].get.key.values[0] == blob


@pytest.mark.parametrize(
    "body",
    [b"\xff", b"\x0a\x05x", nested(10_000), b"\0" * 200_000],
    ids=["no tag", "cut off", "deep", "zeros"],  # their own text is one of megabytes
)
def test_what_is_no_message_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError, match="no ExecuteRequest"):
        taken(reader(rpc.ExecuteRequest, 10_000)(body))
