"""A database with records in every state, made by hand, and the command line over it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

import scalar_tx
from scalar_tx.cli import app
from scalar_tx.cli.opening import opened, run
from scalar_tx.consensus_commit import record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scalar_tx.model.types import Row, Value

ACCOUNT = "bank.account"
LONG_AGO_MS = 60_000


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@dataclass
class Stage:
    """A database in a file."""

    target: str
    path: Path

    def command(self, *arguments: str) -> Answer:
        return command(*arguments, "--config", self.target)

    def prepare(
        self,
        key: tuple[Value, ...],
        values: Mapping[str, Value] | None,
        writer: str,
        *,
        age_ms: int = LONG_AGO_MS,
        table: str = ACCOUNT,
    ) -> None:
        """Leave a record as a writer does that dies between prepare and decision."""
        with opened(self.target) as parts:
            found = run(parts.context.catalog.table(table))
            previous = run(parts.storage.get(found.stored, key))
            at = time.time_ns() // 1_000_000 - age_ms
            write = record.prepare(found, key, values, previous, tx_id=writer, at=at)
            run(parts.storage.mutate([write]))

    def decide(self, writer: str, *, committed: bool) -> None:
        with opened(self.target) as parts:
            if committed:
                run(parts.coordinator.decide(writer, time.time_ns() // 1_000_000))
            else:
                run(parts.coordinator.force_abort(writer))

    def row(self, *key: Value, table: str = ACCOUNT) -> Row | None:
        """A stored row as it is."""
        with opened(self.target) as parts:
            found = run(parts.context.catalog.table(table))
            return run(parts.storage.get(found.stored, key))


def command(*arguments: str) -> Answer:
    """Run a command in this process; an error that is no ScalarTxError is a failure of the test."""
    found = CliRunner().invoke(app, list(arguments))
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return Answer(found.exit_code, found.stdout, found.stderr)


def make_stage(folder: Path) -> Stage:
    """Accounts 1 to 3 with a balance of 100 each, by owner."""
    path = folder / "shop.db"
    stage = Stage(f"sqlite:///{path}", path)
    with scalar_tx.connect(stage.target) as db:
        db.admin.create_table(
            ACCOUNT,
            columns={"id": "INT", "owner": "TEXT", "balance": "BIGINT"},
            partition_key=["id"],
            secondary_index=["owner"],
        )
        for number in (1, 2, 3):
            db.upsert(ACCOUNT, {"id": number, "owner": "ann", "balance": 100})
    return stage
