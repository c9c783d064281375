"""How is a plan carried out? Step by step; each step may be repeated, and none is skipped over.

Schema changes are no transaction in any of the storages. So each step is asked for in the form that
does nothing where it was done already, and a run that failed is simply begun again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scalar_schema.plan import Action, Plan, Step, Subject, placed
from scalar_tx.errors import InvalidOperationError, ScalarTxError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_schema.import_file import TableImport
    from scalar_schema.schema_file import TableDefinition
    from scalar_tx.admin import Admin
    from scalar_tx.manager import TransactionManager

NOT_EMPTY = "STX-3018"


@dataclass(frozen=True)
class Outcome:
    """What was done of a plan, and what was not.

    ``failed`` is the step that ended the run, with ``error``; it may have been done in part, or, if
    its answer was lost, whole. ``left`` are the steps that were not begun.
    """

    plan: Plan
    done: tuple[Step, ...]
    failed: Step | None = None
    error: Exception | None = None
    left: tuple[Step, ...] = ()

    @property
    def ok(self) -> bool:
        """Was everything done?"""
        return self.error is None

    def __str__(self) -> str:
        if self.failed is None:
            return f"done: {len(self.done)} of {len(self.plan.pending)}"
        lines = [f"done: {step}" for step in self.done] or ["nothing was done"]
        lines.append(f"failed: {self.failed}")
        lines += [f"not begun: {step}" for step in self.left]
        return "\n".join(lines)

    def raise_for_failure(self) -> None:
        """Raise the error that ended the run, if one did, with what was done and what was not."""
        if self.error is not None:
            self.error.add_note(str(self))
            raise self.error


def apply(
    db: TransactionManager, plan: Plan, on_step: Callable[[Step], object] | None = None
) -> Outcome:
    """Carry a plan out up to the first step that fails.

    ``on_step`` is called with each step that was done. What the database refuses or fails at is in
    the outcome; errors of any other kind are raised.
    """
    pending = plan.pending
    for number, step in enumerate(pending):
        try:
            _carry_out(db.admin, step)
        except (ScalarTxError, StorageError) as error:
            return Outcome(plan, pending[:number], step, error, pending[number + 1 :])
        if on_step is not None:
            on_step(step)
    return Outcome(plan, pending)


def _carry_out(admin: Admin, step: Step) -> None:
    match step.subject:
        case Subject.NAMESPACE:
            _namespace(admin, step)
        case Subject.COORDINATOR:
            _coordinator(admin, step)
        case Subject.TABLE if step.definition is not None:
            _table(admin, step, step.definition)
        case Subject.TABLE if step.importing is not None:
            _import(admin, step.importing)
        case Subject.DATABASE:
            admin.upgrade(options=step.options)


def _namespace(admin: Admin, step: Step) -> None:
    if step.action is Action.CREATE:
        admin.create_namespace(step.name, if_not_exists=True, options=step.options)
        return
    try:
        admin.drop_namespace(step.name, if_exists=True)
    except InvalidOperationError as error:
        # Somebody made a table in it since the plan was made: then it is not left empty.
        if error.code != NOT_EMPTY or not admin.stored_tables(step.name):
            raise


def _coordinator(admin: Admin, step: Step) -> None:
    match step.action:
        case Action.CREATE:
            admin.create_coordinator_tables(if_not_exists=True, options=step.options)
        case Action.REPAIR:
            admin.repair_coordinator_tables(options=step.options)
        case Action.DELETE:
            admin.drop_coordinator_tables(if_exists=True)


def _import(admin: Admin, wanted: TableImport) -> None:
    placed(
        wanted.place,
        lambda: admin.import_table(
            wanted.name,
            override_types=wanted.override_types,
            transaction=wanted.transaction,
            options=wanted.options,
        ),
    )


def _table(admin: Admin, step: Step, wanted: TableDefinition) -> None:
    name, transaction, options = wanted.name, wanted.transaction, wanted.options
    match step.action:
        case Action.CREATE:
            admin.create_table(
                name, wanted.schema, transaction=transaction, if_not_exists=True, options=options
            )
        case Action.REPAIR:
            found = step.differences
            schema = wanted.schema if found is None or found.both is None else found.both
            admin.repair_table(name, schema, transaction=transaction, options=options)
        case Action.DELETE:
            admin.drop_table(name, if_exists=True)
        case Action.ALTER:
            _alter(admin, step, wanted)


def _alter(admin: Admin, step: Step, wanted: TableDefinition) -> None:
    found = step.differences
    if found is None:
        return
    name, transaction = wanted.name, wanted.transaction
    for column, kind in found.new_columns.items():
        admin.add_column(name, column, kind, if_not_exists=True, transaction=transaction)
    for column in found.new_indexes:
        admin.create_index(
            name, column, if_not_exists=True, transaction=transaction, options=wanted.options
        )
    for column in found.dropped_indexes:
        admin.drop_index(name, column, if_exists=True, transaction=transaction)
