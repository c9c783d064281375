"""The schema loader: makes, alters, repairs and removes the tables that schema files name.

    import scalar_schema

    with scalar_tx.connect("sqlite:///shop.db") as db:
        scalar_schema.load(db, ["namespaces/audit.json"])

The files are in the format of ScalarDB's own loader. ``read_files`` says what they ask for,
``make_plan`` what would be done, ``apply`` does it; ``load`` is the three in one. On the command
line it is ``scalar-schema``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_schema.apply import Outcome, apply
from scalar_schema.import_file import TableImport, read_import_files
from scalar_schema.plan import (
    Action,
    Mode,
    Plan,
    Step,
    Subject,
    make_plan,
    plan_imports,
    plan_upgrade,
)
from scalar_schema.schema_file import TableDefinition, parse_schema, read_files

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from scalar_tx.manager import TransactionManager


def load(
    db: TransactionManager,
    files: Iterable[str | os.PathLike[str]],
    mode: Mode = Mode.CREATE,
    *,
    coordinator: bool = False,
) -> Outcome:
    """Read files and do what they ask for; by default make what is missing.

    Nothing is done if a file has an error (SchemaError). An error on the way is raised with a note
    of what was done and what was not; calling it again goes on from there.
    """
    if mode is Mode.IMPORT:
        plan = plan_imports(db, read_import_files(files))
    elif mode is Mode.UPGRADE:
        plan = plan_upgrade(db)
    else:
        plan = make_plan(db, read_files(files), mode, coordinator=coordinator)
    outcome = apply(db, plan)
    outcome.raise_for_failure()
    return outcome


__all__ = [
    "Action",
    "Mode",
    "Outcome",
    "Plan",
    "Step",
    "Subject",
    "TableDefinition",
    "TableImport",
    "apply",
    "load",
    "make_plan",
    "parse_schema",
    "plan_imports",
    "plan_upgrade",
    "read_files",
    "read_import_files",
]
