"""``scalar-tx recover``: settle what dead transactions left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalar_tx.cli.failures import ENVIRONMENT
from scalar_tx.cli.options import Config, Json

if TYPE_CHECKING:
    from rich.progress import Progress

    from scalar_tx.connection import Parts
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.errors import ConflictError, InvalidOperationError
    from scalar_tx.model.types import Value
    from scalar_tx.record_situation import Situation


def recover(
    table: Annotated[
        str | None, typer.Argument(metavar="[TABLE]", help="namespace.table", show_default=False)
    ] = None,
    key: Annotated[
        str | None,
        typer.Argument(
            metavar="[KEY]",
            help='The whole primary key: id=1 or id=1,kind=2 or {"id": 1, "kind": 2}.',
            show_default=False,
        ),
    ] = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="All records of the table, or of all tables.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, say what would happen.")
    ] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Settle a record, or all, whose writer is decided or past its 15 s.

    Records of transactions that may be alive are left alone and reported.
    """
    from scalar_tx.cli.opening import opened

    if (table is None or key is None) and not every:
        what = "neither a record nor --all was given" if table is None else "the key is missing"
        raise _wrong_use(what)
    if every and key is not None:
        raise _wrong_use("a key and --all contradict each other")
    with opened(config, looking=dry_run) as parts:
        if table is not None and key is not None:
            results = [_one(parts, table, key, dry_run=dry_run)]
        else:
            results = _all(parts, table, dry_run=dry_run)
    _print(results, json=json, every=every)
    if any(one["result"] == "failed" for one in results):
        raise typer.Exit(ENVIRONMENT)


def _wrong_use(what: str) -> InvalidOperationError:
    from scalar_tx.errors import InvalidOperationError

    return InvalidOperationError(
        what, advice="Write recover TABLE KEY, recover TABLE --all, or recover --all"
    )


def _one(parts: Parts, name: str, text: str, *, dry_run: bool) -> dict[str, Any]:
    from scalar_tx.cli.keys import read_key
    from scalar_tx.cli.opening import run
    from scalar_tx.record_situation import look_at

    table = run(parts.context.catalog.table(name))
    key = read_key(text, table)
    situation = run(look_at(parts, table, key))
    if not situation.unsettled:
        return _result(situation, "nothing to do")
    if situation.alive and not dry_run:
        raise _still_alive(situation)
    return _settled(parts, situation, dry_run=dry_run)


def _still_alive(situation: Situation) -> ConflictError:
    from scalar_tx.errors import ConflictError

    seconds = situation.expires_in_ms / 1000
    return ConflictError(
        f"a record of {situation.table.name} is being written by a transaction that may be alive",
        records=[(situation.table.name, situation.table.key_mapping(situation.key))],
        other_transaction=situation.writer,
        retry_after=seconds,
        advice=f"Run this again in {seconds:.1f} s; the writer has no longer than that",
        transaction_id=situation.writer,
        code="STX-1010",
    )


def _all(parts: Parts, name: str | None, *, dry_run: bool) -> list[dict[str, Any]]:
    from scalar_tx.cli.opening import run
    from scalar_tx.cli.progress import progress
    from scalar_tx.cli.raw_rows import transactional_tables

    tables = run(transactional_tables(parts, [] if name is None else [name]))
    results: list[dict[str, Any]] = []
    with progress() as bar:
        for table in tables:
            results += _table(parts, table, bar, dry_run=dry_run)
    return results


def _table(
    parts: Parts, table: TransactionalTable, bar: Progress, *, dry_run: bool
) -> list[dict[str, Any]]:
    from scalar_tx.cli.opening import run
    from scalar_tx.cli.raw_rows import next_unsettled, unsettled_rows
    from scalar_tx.record_situation import look_at

    task = bar.add_task(table.name, total=None)
    # Keys first: a scan whose rows are settled meanwhile might meet none of the later ones.
    keys: list[tuple[Value, ...]] = []
    pages = unsettled_rows(parts, table)
    while (rows := run(next_unsettled(pages))) is not None:
        keys += [table.stored.key_of(row) for row in rows]
    bar.update(task, total=len(keys))
    results = []
    for key in keys:
        situation = run(look_at(parts, table, key))
        if situation.alive:
            results.append(_result(situation, "alive"))
        elif situation.unsettled:
            results.append(_settled(parts, situation, dry_run=dry_run))
        bar.advance(task)
    return results


def _settled(parts: Parts, situation: Situation, *, dry_run: bool) -> dict[str, Any]:
    from scalar_tx.cli.opening import run
    from scalar_tx.errors import ConflictError

    if dry_run:
        return _result(situation, "alive" if situation.alive else "would be settled")
    try:
        decision = run(parts.context.recovery.settle_record(situation.table, situation.key))
    except ConflictError as error:
        return {**_result(situation, "failed"), "error": error.message, "advice": error.advice}
    if decision is None:
        return _result(situation, "settled by others")
    return {**_result(situation, "settled"), "decision": decision.value}


def _result(situation: Situation, result: str) -> dict[str, Any]:
    from scalar_tx.cli.record_view import as_data

    return {"result": result, **as_data(situation)}


_WORDS = {
    "settled": "settled",
    "settled by others": "settled by somebody else meanwhile",
    "would be settled": "would be settled",
    "alive": "left alone: the writer may be alive",
    "failed": "could not be settled",
    "nothing to do": "nothing to do",
}


def _print(results: list[dict[str, Any]], *, json: bool, every: bool) -> None:
    from scalar_tx.cli.output import console, print_json

    if json:
        print_json({"records": results} if every else results[0])
        return
    screen = console()

    def say(text: str) -> None:
        screen.print(text, markup=False, soft_wrap=True)

    for one in results:
        key = ", ".join(f"{name}={value!r}" for name, value in one["key"].items())
        say(f"{one['table']}  {key}: {_outcome(one)}")
    if every:
        counts = {word: sum(one["result"] == word for one in results) for word in _WORDS}
        found = [f"{count} {_WORDS[word]}" for word, count in counts.items() if count]
        say("; ".join(found) if found else "Every record is settled.")
        if counts["alive"]:
            say("Writers that are alive finish their records, or are over in 15 s: run this again.")


def _outcome(one: dict[str, Any]) -> str:
    result: str = one["result"]
    if result == "settled":
        return f"settled, its writer {one['writer']} is {one['decision']}"
    if result == "failed":
        return f"{_WORDS[result]}: {one['error']}. {one['advice']}"
    return f"{_WORDS[result]}. {one['outlook']}"
