"""What is found when storages and their tables are looked at?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.cli.opening import opened_with, run
from scalar_tx.cli.raw_rows import stored_tables
from scalar_tx.consensus_commit.metadata import (
    BEFORE,
    BEFORE_TX_COLUMNS,
    TX_COLUMNS,
    TransactionalTable,
    is_transactional,
)
from scalar_tx.errors import ScalarTxError
from scalar_tx.model.finding import Examination, Finding, Verdict
from scalar_tx.outcome_table import OUTCOME, OUTCOME_SCHEMA
from scalar_tx.storage import registry

if TYPE_CHECKING:
    from scalar_tx.connection import Parts
    from scalar_tx.model.storage_settings import StorageSettings
    from scalar_tx.model.table import Table
    from scalar_tx.settings import Settings

# A dead writer may be aborted after 15 s by its own clock: clocks should agree far better.
_SKEW_WARNING_MS: Final = 1000
_SKEW_BAD_MS: Final = 5000
# Columns of the coordinator's table that a release made only where the settings asked for them.
_FOR_OTHERS: Final = {"tx_child_ids": "group commit", "tx_write_set": "the log of write sets"}
_REPAIR: Final = "Run scalar-tx schema repair with the table's schema file"


def sections_of_storages(settings: StorageSettings) -> tuple[dict[str, list[Finding]], bool]:
    """What each storage's own examination finds; can all of them be asked for their tables?"""
    if settings.multi is None:
        named = {f"storage {settings.kind}": settings}
    else:
        named = {f"storage {name}": one for name, one in settings.multi.storages.items()}
    sections = {}
    reachable = True
    for title, one in named.items():
        found, usable = _examine(one)
        sections[title] = found
        reachable = reachable and usable
    return sections, reachable


def _examine(settings: StorageSettings) -> tuple[list[Finding], bool]:
    examine = registry.doctor_of(settings)
    if examine is None:
        return [Finding("examination", Verdict.NOTE, "this storage has none of its own")], True
    examination: Examination = examine(settings)
    findings = [*examination.findings, *clock_findings(examination.clock_ahead_ms)]
    bad = any(one.verdict is Verdict.BAD and one.subject == "file" for one in findings)
    return findings, examination.exists and not bad


def clock_findings(ahead_ms: float | None) -> list[Finding]:
    """How a storage's clock agrees with this process's; nothing where it has none."""
    if ahead_ms is None:
        return []
    text = f"the storage's is {abs(ahead_ms):.0f} ms {'ahead' if ahead_ms >= 0 else 'behind'}"
    if abs(ahead_ms) < _SKEW_WARNING_MS:
        return [Finding("clock", Verdict.GOOD, text)]
    verdict = Verdict.BAD if abs(ahead_ms) >= _SKEW_BAD_MS else Verdict.WARNING
    advice = "Synchronize the clocks, of every machine that writes: dead writers expire by them"
    return [Finding("clock", verdict, text, advice)]


def examine_tables(settings: Settings) -> list[Finding]:
    """The coordinator table and every other one: is all there that transactions need?"""
    with opened_with(settings, looking=True) as parts:
        try:
            tables = run(stored_tables(parts))
            findings = [run(_coordinator(parts, settings)), *outcomes_findings(tables, settings)]
        except ScalarTxError as error:
            return [Finding("reading them", Verdict.BAD, error.message, error.advice)]
        checks_before = parts.context.options.before_index_check
        for table in tables:
            findings += _table(table, before_indexes=checks_before)
        whole = sum(is_transactional(table.schema) for table in tables)
    counted = "no table is" if not whole else "1 table is" if whole == 1 else f"{whole} tables are"
    return [*findings, Finding("all", Verdict.NOTE, f"{counted} ready for transactions")]


async def _coordinator(parts: Parts, settings: Settings) -> Finding:
    name = parts.coordinator.name
    table = await parts.storage.admin.table(name)
    if table is None:
        namespace = settings.consensus_commit.coordinator_namespace
        if registry.creates_coordinator(settings.storage, namespace):
            return Finding(name, Verdict.NOTE, "not there yet, made with the first commit")
        return Finding(name, Verdict.BAD, "not there", "Run scalar-tx schema apply --coordinator")
    needed = {"tx_id", "tx_state", "tx_created_at"}
    commit = settings.consensus_commit
    if commit.group_commit.enabled:
        needed.add("tx_child_ids")
    if commit.write_set_logging:
        needed.add("tx_write_set")
    missing = sorted(needed - set(table.schema.columns))
    if missing:
        return Finding(
            name,
            Verdict.BAD,
            f"lacks {', '.join(missing)}",
            "Run scalar-tx schema repair --coordinator",
        )
    has = f"has {', '.join(table.schema.columns)}"
    absent = [one for one in _FOR_OTHERS if one not in table.schema.columns]
    if not absent:
        return Finding(name, Verdict.GOOD, has)
    uses = " and ".join(_FOR_OTHERS[one] for one in absent)
    return Finding(
        name, Verdict.GOOD, f"{has}; repair it before {uses} can be switched on, here or in Java"
    )


def outcomes_findings(tables: list[Table], settings: Settings) -> list[Finding]:
    """The table of results of calls with a key; nothing where it is as it should be."""
    table = next((one for one in tables if one.name == OUTCOME), None)
    if table is None:
        if registry.creates_own_tables(settings.storage, OUTCOME):
            return []
        text = "not there; calls with key= need it"
        advice = "If there are any, run scalar-tx schema apply --outcome"
        return [Finding(OUTCOME, Verdict.NOTE, text, advice)]
    missing = [name for name in OUTCOME_SCHEMA.columns if name not in table.schema.columns]
    if not missing:
        return []
    text = f"lacks {', '.join(missing)}"
    return [Finding(OUTCOME, Verdict.BAD, text, "Run scalar-tx schema repair --outcome")]


def _table(table: Table, *, before_indexes: bool) -> list[Finding]:
    if is_transactional(table.schema):
        return _indexes(table) if before_indexes else []
    there = set(table.schema.columns)
    fixed = {*TX_COLUMNS, *BEFORE_TX_COLUMNS}
    if not there & fixed:
        return [Finding(table.name, Verdict.NOTE, "a table without transaction columns")]
    columns = [n for n in table.schema.other_columns if n not in fixed]
    missing = [n for n in (*TX_COLUMNS, *BEFORE_TX_COLUMNS) if n not in there]
    missing += [
        BEFORE + n
        for n in columns
        if BEFORE + n not in there and not (n.startswith(BEFORE) and n[len(BEFORE) :] in there)
    ]
    what = f"lacks {', '.join(missing)}" if missing else "has transaction columns of other types"
    return [Finding(table.name, Verdict.BAD, what, _REPAIR)]


def _indexes(table: Table) -> list[Finding]:
    missing = TransactionalTable(table).missing_before_indexes()
    if not missing:
        return []
    names = ", ".join(missing)
    return [
        Finding(
            table.name,
            Verdict.WARNING,
            f"has no index on {names}: reads by index may miss records that are being written, and "
            "are refused at SERIALIZABLE",
            "Run scalar-tx schema upgrade: releases of ScalarDB before 3.18 made none",
        )
    ]
