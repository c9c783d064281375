"""Which tables do the tests of the faces use, and what is in them?"""

from __future__ import annotations

from typing import Any

from tests.faces.either import now

ACCOUNT = "bank.account"
ENTRY = "bank.entry"
EVERY_TYPE = {
    "a_boolean": "BOOLEAN",
    "an_int": "INT",
    "a_bigint": "BIGINT",
    "a_float": "FLOAT",
    "a_double": "DOUBLE",
    "a_text": "TEXT",
    "a_blob": "BLOB",
    "a_date": "DATE",
    "a_time": "TIME",
    "a_timestamp": "TIMESTAMP",
    "a_timestamptz": "TIMESTAMPTZ",
}


async def make_accounts(db: Any, count: int = 3, balance: int = 100) -> None:
    """``bank.account`` with accounts 1 to ``count``; the owner of number n is "owner n % 2"."""
    await now(
        db.admin.create_table(
            ACCOUNT,
            columns={"id": "INT", "owner": "TEXT", "balance": "BIGINT"},
            partition_key=["id"],
            secondary_index=["owner"],
        )
    )
    if count:
        rows = [
            {"id": n, "owner": f"owner {n % 2}", "balance": balance} for n in range(1, count + 1)
        ]
        await now(db.load(ACCOUNT, rows))


async def make_entries(db: Any, days: tuple[str, ...] = ("mon", "tue"), count: int = 5) -> None:
    """``bank.entry``: partitions by day, in it ``seq`` DESC then ``part`` ASC; ``count`` a day."""
    await now(
        db.admin.create_table(
            ENTRY,
            columns={"day": "TEXT", "seq": "INT", "part": "TEXT", "what": "TEXT", "amount": "INT"},
            partition_key=["day"],
            clustering_key=["seq DESC", "part"],
            secondary_index=["what"],
        )
    )
    rows = [
        {"day": day, "seq": n, "part": "x", "what": f"w{n % 2}", "amount": n * 10}
        for day in days
        for n in range(1, count + 1)
    ]
    if rows:
        await now(db.load(ENTRY, rows))
