"""Can the services use passwords and tokens without the node's users?"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import scalar_tx
from scalar_tx import TableSchema
from scalar_tx.cluster.auth.token_store import (
    TOKEN_OF_SCHEMA,
    TOKEN_SCHEMA,
    TokenStore,
    TokenTables,
)
from scalar_tx.cluster.auth.tokens import Kind, Lifetimes, digest

if TYPE_CHECKING:
    from tests.cluster.auth.world import Clock

PROBE = """
import sys
import scalar_tx.cluster.auth.passwords, scalar_tx.cluster.auth.token_store
import scalar_tx.cluster.auth.log_in_limits, scalar_tx.cluster.auth.recent
import scalar_tx.cluster.auth.security_log
print(*sorted(one for one in sys.modules if one.startswith("scalar_tx.cluster.auth.")))
"""


def test_what_they_bring_with_them() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PROBE], check=True, capture_output=True, text=True
    )
    assert {one.rpartition(".")[2] for one in answer.stdout.split()} == {
        "log_in_limits",
        "passwords",
        "places",
        "recent",
        "refusals",
        "security_log",
        "shared_memory",
        "token_store",
        "tokens",
    }


async def test_tokens_in_other_tables_within_a_transaction_of_ones_own(
    target: str, clock: Clock
) -> None:
    async with scalar_tx.connect_async(target) as db:
        for name, schema in (("identity.token", TOKEN_SCHEMA), ("identity.of", TOKEN_OF_SCHEMA)):
            await db.admin.create_table(name, schema)
        schema = TableSchema(columns={"id": "INT", "n": "INT"}, partition_key=["id"])
        await db.admin.create_table("identity.log_ins", schema)
        store = TokenStore(
            TokenTables("identity.token", "identity.of"),
            lifetimes=Lifetimes(access=60, family=600),
            now_ms=clock.now_ms,
        )
        async with db.transaction() as tx:
            await tx.insert("identity.log_ins", {"id": 1, "n": 1})
            pair = await store.issue(tx, "u1", "stamp")
        async with db.transaction() as tx:
            known = await store.find(tx, digest(pair.access), Kind.ACCESS)
            assert known is not None
            assert (known.owner, known.stamp) == ("u1", "stamp")
            assert await store.find(tx, digest(pair.access), Kind.REFRESH) is None
        clock.move(60)
        async with db.transaction() as tx:
            assert await store.find(tx, digest(pair.access), Kind.ACCESS) is None
            assert await store.find(tx, digest(pair.refresh), Kind.REFRESH) is not None
            await store.end(tx, known)
        async with db.transaction() as tx:
            assert await store.find(tx, digest(pair.refresh), Kind.REFRESH) is None
            assert await store.of_owner(tx, "u1") == []
