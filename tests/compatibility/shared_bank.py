"""Which accounts do Java and we move money between on servers, and is every coin there?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from scalar_tx.consensus_commit.transaction_id import member_id
from tests.compatibility.bank import COMMITTED
from tests.compatibility.java_peer import Expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from tests.compatibility.java_peer import Transfer
    from tests.compatibility.places import Place

OPENING = 1000

Balances = dict[tuple[str, int], int]


class Bank:
    """Accounts in a table, or in two where there are two storages."""

    def __init__(self, place: Place, name: str, accounts: int) -> None:
        self.place = place
        self.accounts = accounts
        self.first = f"{place.first}.{name}"
        self.second = f"{place.second}.{name}" if "+" in place.name else self.first
        place.create_coordinator()
        for table in {self.first, self.second}:
            place.create_table(table, {"id": "INT", "balance": "BIGINT"}, ["id"])
        with place.ours.transaction() as tx:
            for table, number in self._opening():
                tx.insert(table, {"id": number, "balance": OPENING})
        self._decided_before = set(place.decisions())

    @property
    def tables(self) -> tuple[str, str]:
        """Of a transfer's source and target."""
        return self.first, self.second

    def _opening(self) -> Balances:
        tables = {self.first, self.second}
        return {(table, number): OPENING for table in tables for number in range(self.accounts)}

    def committed_ids(self) -> set[str]:
        """The transactions committed since the accounts were opened."""
        rows = self.place.rows(self.place.coordinator)
        found: set[str] = set()
        for row in rows:
            if row["tx_state"] == COMMITTED:
                members = row.get("tx_child_ids")
                found |= (
                    {member_id(str(row["tx_id"]), one) for one in str(members).split(",")}
                    if members
                    else {str(row["tx_id"])}
                )
        return found - self._decided_before

    def check(
        self, transfers: Sequence[Transfer], without_decision: AbstractSet[str] = frozenset()
    ) -> None:
        """Each of these transfers is there once, and no other, and nothing is left prepared.

        Of those ``without_decision`` none has to have left one.
        """
        self.check_balances(transfers)
        ids = [transfer.id for transfer in transfers]
        assert len(ids) == len(set(ids))
        assert self.committed_ids() | without_decision == set(ids)

    def check_balances(self, transfers: Iterable[Transfer]) -> None:
        """Both sides read what these transfers make, and nothing is left prepared."""
        expected = self._opening()
        for transfer in transfers:
            expected[self.first, transfer.source] -= transfer.amount
            expected[self.second, transfer.target] += transfer.amount
        with self.place.ours.transaction() as tx, self.place.java.transaction() as java_tx:
            for table, number in expected:
                record = tx.get(table, {"id": number})
                assert record is not None
                assert java_tx.get(table, {"id": number}) == dict(record)
        stored = {
            (table, row["id"]): row
            for table in {self.first, self.second}
            for row in self.place.rows(table)
        }
        assert {name: row["balance"] for name, row in stored.items()} == expected
        assert {row["tx_state"] for row in stored.values()} == {COMMITTED}
        assert {row["before_tx_id"] for row in stored.values()} == {None}

    def prepared_by(self) -> dict[tuple[str, int], str]:
        """Whose records are prepared at this moment."""
        return {
            (table, int(str(row["id"]))): str(row["tx_id"])
            for table in {self.first, self.second}
            for row in self.place.rows(table)
            if row["tx_state"] != COMMITTED
        }

    def expire(self, writers: set[str]) -> None:
        """Let 16 seconds go by for what these writers have prepared."""
        at = int((time.time() - 16) * 1000)
        for (table, number), writer in self.prepared_by().items():
            if writer in writers:
                self.place.java.storage_put(
                    table,
                    {"id": number, "tx_prepared_at": at},
                    where=[Expression("tx_id", "EQ", writer)],
                )
