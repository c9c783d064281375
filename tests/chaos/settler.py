"""A process that was never there before reads everything, so that all that was left gets settled.

It prints what it saw and what the library says of the ids on its standard input, as JSON.

    python -m tests.chaos.settler FILE < ids.json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import scalar_tx
from tests.chaos import planted
from tests.chaos.bank import MARKER, TABLES, url

# The writers are dead and their time is over: whoever is in the way now stays there.
PATIENCE = scalar_tx.RetryPolicy(deadline=5.0)


def everything(db: scalar_tx.TransactionManager, table: str) -> list[scalar_tx.Record]:
    """A table as the library shows it; of the many markers, what was there needs no second look."""
    level = scalar_tx.Isolation.SNAPSHOT if table == MARKER else scalar_tx.Isolation.SERIALIZABLE
    return db.run(
        lambda tx: tx.scan(table, whole_table=True),
        isolation=level,
        read_only=True,
        retry=PATIENCE,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--fault", choices=[*planted.FAULTS, "none"], default="none")
    wanted = parser.parse_args()
    planted.plant(wanted.fault)
    with scalar_tx.connect(url(wanted.file)) as db:
        seen = {table: everything(db, table) for table in TABLES}
        states = {tx_id: db.state(tx_id).value for tx_id in json.load(sys.stdin)}
    rows = {table: [dict(record) for record in records] for table, records in seen.items()}
    json.dump({"rows": rows, "states": states}, sys.stdout)


if __name__ == "__main__":
    main()
