"""A transaction from its begin to its end, in a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.messages import (
    TRANSACTION,
    Tx,
    asks,
)

if TYPE_CHECKING:
    from tests.cluster.scalardb_server.served import Client, Talk

OK = (grpc.StatusCode.OK, "")
INVALID = grpc.StatusCode.INVALID_ARGUMENT
Error = rpc.TransactionResponse.Error
EMPTY = rpc.TransactionResponse()


def begun(client: Client) -> Talk:
    talk = client.stream(TRANSACTION)
    assert talk.ask(asks(Tx, "begin")).begin_response.transaction_id
    return talk


def committed(client: Client, *mutations: rpc.Mutation) -> None:
    talk = begun(client)
    assert talk.ask(asks(Tx, "mutate", mutations=[*mutations])) == EMPTY
    assert talk.ask(asks(Tx, "commit")) == EMPTY
    assert talk.end() == OK


def error_of(answer: rpc.TransactionResponse) -> tuple[str, str]:
    assert answer.WhichOneof("response") == "error"
    return Error.ErrorCode.Name(answer.error.error_code), answer.error.message
