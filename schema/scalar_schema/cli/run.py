"""From files to an exit code: what every form of the command does."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import scalar_tx
from scalar_schema.apply import Outcome, apply
from scalar_schema.cli.report import Report
from scalar_schema.import_file import read_import_files
from scalar_schema.plan import Mode, Plan, make_plan, plan_imports, plan_upgrade
from scalar_schema.schema_file import outcome_definition, read_files
from scalar_tx.errors import (
    InvalidOperationError,
    ScalarTxError,
    SchemaError,
    SettingsError,
    StorageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DONE: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2
_WRONG_USES: Final = (InvalidOperationError, SchemaError, SettingsError)


@dataclass(frozen=True)
class Request:
    """What a command line asks for."""

    mode: Mode
    files: Sequence[Path]
    config: str | None = None
    coordinator: bool = False
    dry_run: bool = False
    as_json: bool = False
    options: Mapping[str, str] = field(default_factory=dict)  # for the storage
    outcome: bool = False  # the table of results of calls with a key, too


def run(request: Request) -> int:
    """Plan, carry out unless it is a dry run, report; return the exit code."""
    report = Report(request.mode, dry_run=request.dry_run, as_json=request.as_json)
    try:
        # All files are read before the database is asked anything.
        make = _planner(request)
        with scalar_tx.connect(request.config) as db:
            plan = make(db)
            if request.dry_run:
                report.planned(plan)
                return DONE
            outcome = _carried_out(db, plan, report)
    except (ScalarTxError, StorageError) as error:
        report.refused(error)
        return exit_code(error)
    report.ended(outcome)
    return DONE if outcome.error is None else exit_code(outcome.error)


def _planner(request: Request) -> Callable[[scalar_tx.TransactionManager], Plan]:
    if request.mode is Mode.UPGRADE:
        return plan_upgrade
    if request.mode is Mode.IMPORT:
        imports = read_import_files(request.files, request.options)
        return lambda db: plan_imports(db, imports)
    definitions = read_files(request.files, request.options)
    if request.outcome:
        definitions += (outcome_definition(request.options),)
    return lambda db: make_plan(
        db, definitions, request.mode, coordinator=request.coordinator, options=request.options
    )


def _carried_out(db: scalar_tx.TransactionManager, plan: Plan, report: Report) -> Outcome:
    with report.progress(len(plan.pending)) as on_step:
        return apply(db, plan, on_step)


def exit_code(error: Exception) -> int:
    """2 where the request can't be right, 1 where the environment failed."""
    return WRONG_USE if isinstance(error, _WRONG_USES) else FAILED
