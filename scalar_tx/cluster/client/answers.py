"""What does a node say besides records?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.messages.isolation import isolation_of
from scalar_tx.model.explanation import Explanation

if TYPE_CHECKING:
    from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
    from scalar_tx.model.isolation import Isolation


def explanation_of(message: rpc.Explanation, isolation: Isolation) -> Explanation:
    """What a commit would cost."""
    return Explanation(
        isolation=isolation_of(message.isolation) or isolation,
        path=message.path,
        why=message.why,
        records=message.records,
        unread=message.unread,
        pre_reads=message.pre_reads,
        prepares=message.prepares,
        validations=message.validations,
        decisions=message.decisions,
        finishes=message.finishes,
        round_trips=message.round_trips,
        write_units=message.write_units if message.HasField("write_units") else None,
        still_possible=tuple(message.still_possible),
    )
