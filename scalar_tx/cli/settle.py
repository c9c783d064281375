"""``scalar-tx settle``: make sure that a transaction is decided."""

from __future__ import annotations

from scalar_tx.cli.options import Config, Json, TransactionId


def settle(transaction_id: TransactionId, config: Config = None, json: Json = False) -> None:
    """Print the decision about a transaction; where there is none, it is aborted.

    Meant for a transaction whose outcome is unknown. One that is still running can't commit
    any more afterwards.
    """
    from scalar_tx.cli.decision_view import check_id, print_decision
    from scalar_tx.cli.opening import opened, run
    from scalar_tx.consensus_commit.settle import settle as settled

    check_id(transaction_id)
    with opened(config) as parts:
        decision = run(settled(parts.context.decisions, transaction_id))
    print_decision(transaction_id, decision, json=json)
