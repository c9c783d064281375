"""``scalar-tx state``: what was decided about a transaction?"""

from __future__ import annotations

from scalar_tx.cli.options import Config, Json, TransactionId


def state(transaction_id: TransactionId, config: Config = None, json: Json = False) -> None:
    """Print what was decided about a transaction: COMMITTED, ABORTED or UNKNOWN."""
    from scalar_tx.cli.decision_view import check_id, print_decision
    from scalar_tx.cli.opening import opened, run
    from scalar_tx.record_situation import decision_about

    check_id(transaction_id)
    with opened(config, looking=True) as parts:
        decision = run(decision_about(parts, transaction_id))
    print_decision(transaction_id, decision, json=json)
