"""What would be done to a database so that it is as the files say? Nothing is done here.

A plan is a value: steps in their order, each with a text. Mistakes are found while it is made, so
that nothing is half-done on account of one (Storage specification 8.3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from scalar_schema.differences import Differences, differences, ordered
from scalar_tx.consensus_commit.metadata import is_transactional
from scalar_tx.errors import InvalidOperationError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from scalar_schema.import_file import TableImport
    from scalar_schema.json_text import Place
    from scalar_schema.schema_file import TableDefinition
    from scalar_tx.admin import Admin
    from scalar_tx.manager import TransactionManager
    from scalar_tx.model.table import TableSchema

CANNOT_BE_DONE: Final = "STX-3062"  # the file asks for what no step does to a table that exists

_NO_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({})
T = TypeVar("T")


class Mode(Enum):
    """What is asked for."""

    CREATE = "create"  # make what is missing, leave alone what is there
    ALTER = "alter"  # bring tables that are there to what the files say
    REPAIR = "repair"  # make whatever is missing of tables, their metadata included
    DELETE = "delete"  # remove tables, and namespaces that are left empty
    IMPORT = "import"  # make tables of other programs usable
    UPGRADE = "upgrade"  # make what tables of older releases lack


class Action(Enum):
    """What is done in a step."""

    CREATE = "create"
    SKIP = "skip"
    ALTER = "alter"
    REPAIR = "repair"
    DELETE = "delete"
    IMPORT = "import"
    UPGRADE = "upgrade"


class Subject(Enum):
    """What a step is about."""

    NAMESPACE = "namespace"
    TABLE = "table"
    COORDINATOR = "coordinator"
    DATABASE = "database"


@dataclass(frozen=True)
class Step:
    """One thing that is done, or that need not be.

    ``details`` say what exactly, ``warnings`` what will stay other than in the file.
    """

    action: Action
    subject: Subject
    name: str
    details: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    definition: TableDefinition | None = field(default=None, repr=False, compare=False)
    importing: TableImport | None = field(default=None, repr=False, compare=False)
    differences: Differences | None = field(default=None, repr=False, compare=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __str__(self) -> str:
        text = f"{self.action.value} {self.subject.value} {self.name}"
        return f"{text}: {'; '.join(self.details)}" if self.details else text


@dataclass(frozen=True)
class Plan:
    """Steps in the order in which they are done."""

    mode: Mode
    steps: tuple[Step, ...]

    @property
    def pending(self) -> tuple[Step, ...]:
        """The steps that do something."""
        return tuple(step for step in self.steps if step.action is not Action.SKIP)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the steps have to say beyond what they do, each with its place."""
        return tuple(warning for step in self.steps for warning in step.warnings)

    def __str__(self) -> str:
        if not self.pending:
            return f"nothing to do: {len(self.steps)} looked at"
        return "\n".join(str(step) for step in self.steps)


def make_plan(
    db: TransactionManager,
    definitions: Sequence[TableDefinition],
    mode: Mode = Mode.CREATE,
    *,
    coordinator: bool = False,
    options: Mapping[str, str] = _NO_OPTIONS,
) -> Plan:
    """Compare the files with the database. ``coordinator``: the table of decisions, too.

    ``options`` are for the coordinator's table; those of other tables are in their definitions.
    SchemaError names the place in a file that asks for what can't be done.
    """
    planner = _Planner(db)
    planners = {
        Mode.CREATE: planner.create,
        Mode.ALTER: planner.alter,
        Mode.REPAIR: planner.repair,
        Mode.DELETE: planner.delete,
    }
    if mode not in planners:
        raise InvalidOperationError(
            f"no schema file asks for {mode}", advice="Use plan_imports or plan_upgrade"
        )
    steps = planners[mode](definitions)
    planned = [*steps]
    if coordinator:
        planned.append(planner.coordinator(mode, options))
    return Plan(mode, tuple(planned))


def plan_imports(db: TransactionManager, imports: Sequence[TableImport]) -> Plan:
    """Which of the tables are still to be imported; what they hold is looked at on the way."""
    steps = []
    for one in imports:
        stored = placed(one.place, partial(db.admin.stored_table, one.name))
        ready = stored is not None and (is_transactional(stored) or not one.transaction)
        steps.append(
            Step(
                Action.SKIP if ready else Action.IMPORT,
                Subject.TABLE,
                one.name,
                ("is known already",)
                if ready
                else (("add the transaction columns",) if one.transaction else ()),
                importing=one,
            )
        )
    return Plan(Mode.IMPORT, tuple(steps))


def plan_upgrade(db: TransactionManager) -> Plan:
    """What tables of older releases lack."""
    owed = tuple(db.admin.upgrade(dry_run=True))
    action = Action.UPGRADE if owed else Action.SKIP
    details = owed or ("nothing is owed",)
    return Plan(Mode.UPGRADE, (Step(action, Subject.DATABASE, db.settings.source, details),))


def placed(place: Place, ask: Callable[[], T]) -> T:
    """What is asked of the database; its refusal names the place in the file."""
    try:
        return ask()
    except (InvalidOperationError, SchemaError) as error:
        raise place.error(error.message, advice=error.advice, code=error.code) from error


class _Planner:
    def __init__(self, db: TransactionManager) -> None:
        wanted = db.settings.consensus_commit
        self._admin: Admin = db.admin
        self._coordinator = f"{wanted.coordinator_namespace}.state"
        self._before_indexes = not wanted.index_eventually_consistent_read
        self._namespaces: set[str] | None = None

    def create(self, definitions: Sequence[TableDefinition]) -> Iterator[Step]:
        """Missing namespaces and tables; a table that is there is skipped."""
        for one in definitions:
            stored = self._stored(one)
            yield from self._namespace(one, there=stored is not None)
            if stored is None:
                yield _step(Action.CREATE, one, (_summary(one.schema),), one.remarks)
                continue
            found = self._differences(one, stored)
            if not found:
                yield _step(Action.SKIP, one, ("is as in the file",), one.remarks)
            else:
                described = _described(found)
                yield _step(
                    Action.SKIP,
                    one,
                    ("exists, and is left as it is", *described),
                    (
                        *one.remarks,
                        *(f"{one.place}: the table differs: {text}" for text in described),
                        f"{one.place}: {_remedy(found)}",
                    ),
                )

    def alter(self, definitions: Sequence[TableDefinition]) -> Iterator[Step]:
        """New columns and indexes, indexes that are gone; all else is an error."""
        for one in definitions:
            stored = self._stored(one)
            if stored is None:
                raise one.place.error(
                    "there is no such table to alter",
                    advice="Create it first: run apply, or the loader without --alter",
                    code=CANNOT_BE_DONE,
                )
            found = self._differences(one, stored)
            impossible = [*found.contradictions, *(f"{n} is gone" for n in found.lost_columns)]
            if impossible:
                raise one.place.error(
                    f"the table can't be altered to this: {'; '.join(impossible)}",
                    advice="Keys, types and existing columns stay; make a new table and copy the "
                    "rows, or correct the file",
                    code=CANNOT_BE_DONE,
                )
            if found.missing_technical:
                raise one.place.error(
                    f"the table lacks {', '.join(found.missing_technical)}",
                    advice="Repair it first: run repair, or the loader with --repair-all",
                    code=CANNOT_BE_DONE,
                )
            if found:
                yield _step(Action.ALTER, one, _described(found), one.remarks, found)
            else:
                yield _step(Action.SKIP, one, ("is as in the file",), one.remarks)

    def repair(self, definitions: Sequence[TableDefinition]) -> Iterator[Step]:
        """Every table, since metadata may say that something is there which is not."""
        for one in definitions:
            stored = self._stored(one)
            yield from self._namespace(one, there=stored is not None)
            if stored is None:
                details = ("as far as the metadata know it is missing", _summary(one.schema))
                yield _step(Action.REPAIR, one, details, one.remarks)
                continue
            found = self._differences(one, stored)
            if found.contradictions:
                raise one.place.error(
                    f"the table can't be repaired to this: {'; '.join(found.contradictions)}",
                    advice="Repair adds what is missing and changes nothing; correct the file, or "
                    "make a new table and copy the rows",
                    code=CANNOT_BE_DONE,
                )
            additions = (
                *(f"add {n} {t.value}" for n, t in found.new_columns.items()),
                *(f"index {n}" for n in found.new_indexes),
                *(f"add {n}" for n in found.missing_technical),
            )
            kept = (*found.lost_columns, *(f"the index on {n}" for n in found.dropped_indexes))
            warnings = tuple(f"{one.place}: {n} is not in the file, and is kept" for n in kept)
            yield _step(
                Action.REPAIR,
                one,
                additions or ("nothing is known to be missing",),
                (*one.remarks, *warnings),
                found,
            )

    def delete(self, definitions: Sequence[TableDefinition]) -> Iterator[Step]:
        """Tables first, then each namespace that nothing is left in."""
        going: dict[str, set[str]] = {}
        first: dict[str, TableDefinition] = {}
        for one in definitions:
            there = self._stored(one) is not None
            first.setdefault(one.namespace, one)
            going.setdefault(one.namespace, set()).add(one.name)
            if there:
                yield _step(Action.DELETE, one, ("and all its records",))
            else:
                yield _step(Action.SKIP, one, ("is not there",))
        for namespace, names in going.items():
            if namespace not in self._existing_namespaces():
                continue
            stored = placed(first[namespace].place, partial(self._admin.stored_tables, namespace))
            left = set(stored) - names
            if left:
                details = (f"is kept: it holds {', '.join(sorted(left))}",)
                yield Step(Action.SKIP, Subject.NAMESPACE, namespace, details)
            else:
                yield Step(Action.DELETE, Subject.NAMESPACE, namespace)

    def coordinator(self, mode: Mode, options: Mapping[str, str]) -> Step:
        """The table of decisions."""
        there = self._admin.coordinator_tables_exist()
        action = {
            Mode.CREATE: Action.SKIP if there else Action.CREATE,
            Mode.ALTER: Action.SKIP,
            Mode.REPAIR: Action.REPAIR if there else Action.CREATE,
            Mode.DELETE: Action.DELETE if there else Action.SKIP,
        }[mode]
        details = {
            Action.CREATE: "the table of decisions",
            Action.REPAIR: "the table of decisions",
            Action.DELETE: "undecided records can't be settled without it",
            Action.SKIP: "is there" if there else "is not there",
        }[action]
        if mode is Mode.ALTER:
            details = "is not altered; repair adds what it lacks"
        return Step(action, Subject.COORDINATOR, self._coordinator, (details,), options=options)

    def _namespace(self, one: TableDefinition, *, there: bool) -> Iterator[Step]:
        if not there and one.namespace not in self._existing_namespaces():
            self._existing_namespaces().add(one.namespace)
            yield Step(
                Action.CREATE,
                Subject.NAMESPACE,
                one.namespace,
                options=one.options,
            )

    def _existing_namespaces(self) -> set[str]:
        if self._namespaces is None:
            self._namespaces = set(self._admin.namespaces())
        return self._namespaces

    def _stored(self, one: TableDefinition) -> TableSchema | None:
        return placed(one.place, partial(self._admin.stored_table, one.name))

    def _differences(self, one: TableDefinition, stored: TableSchema) -> Differences:
        return placed(
            one.place, lambda: differences(one, stored, before_indexes=self._before_indexes)
        )


def _step(
    action: Action,
    one: TableDefinition,
    details: tuple[str, ...],
    warnings: tuple[str, ...] = (),
    found: Differences | None = None,
) -> Step:
    return Step(
        action,
        Subject.TABLE,
        one.name,
        details,
        warnings,
        definition=one,
        differences=found,
        options=one.options,
    )


def _summary(schema: TableSchema) -> str:
    text = f"{len(schema.columns)} columns, key {', '.join(schema.partition_key)}"
    if schema.clustering_key:
        text += f" / {', '.join(ordered(schema))}"
    if schema.secondary_index:
        text += f", index on {', '.join(schema.secondary_index)}"
    return text


def _described(found: Differences) -> tuple[str, ...]:
    return (
        *found.contradictions,
        *(f"add {name} {kind.value}" for name, kind in found.new_columns.items()),
        *(f"{name} is not in the file" for name in found.lost_columns),
        *(f"index {name}" for name in found.new_indexes),
        *(f"drop the index on {name}" for name in found.dropped_indexes),
        *(f"add {name}" for name in found.missing_technical),
    )


def _remedy(found: Differences) -> str:
    if found.contradictions or found.lost_columns:
        return "correct the file, or make a new table and copy the rows"
    if found.missing_technical:
        return "run repair (the loader with --repair-all) to bring it up to the file"
    return "run apply --alter (the loader with --alter) to bring it up to the file"
