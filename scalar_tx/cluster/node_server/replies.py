"""What is said of a step's result?"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from scalar_tx.cluster.messages.isolation import isolation_message
from scalar_tx.cluster.messages.records import put_records
from scalar_tx.cluster.rpc.v1 import operations_pb2
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.model.tagged_json import encoded

if TYPE_CHECKING:
    from scalar_tx.model.explanation import Explanation
    from scalar_tx.model.record import Record
    from scalar_tx.outcome_table import Known


def result_message(found: Record | list[Record] | None) -> operations_pb2.Result:
    """What came of one operation."""
    message = operations_pb2.Result()
    put_result(message, found)
    return message


def put_result(message: operations_pb2.Result, found: Record | list[Record] | None) -> None:
    """Make an empty message that of what came of one operation."""
    if found is not None:
        message.records.SetInParent()
        put_records(message.records, found if isinstance(found, list) else [found])


def explanation_message(explanation: Explanation) -> rpc.Explanation:
    """What a commit would cost."""
    told = asdict(explanation)
    del told["isolation"]
    return rpc.Explanation(isolation=isolation_message(explanation.isolation), **told)


def known_message(known: Known) -> rpc.Known:
    """What is known of a call with a key."""
    result = encoded(known.result, "the result") if known.done else ""
    return rpc.Known(done=known.done, forgotten=known.forgotten, result=result)
