"""How are Cassandra and DynamoDB named together, and which namespace lies where?

As the design has it: events on DynamoDB, all else and the decisions on Cassandra (Services
specification 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import scalar_tx
from scalar_schema import read_files
from tests.services.stage import NAMESPACES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MULTI: Final = "scalar.db.multi_storage."
EVENTS_BESIDE: Final = {"event": "dynamo"}


def settings(
    storages: Mapping[str, Mapping[str, str]], namespaces: Mapping[str, str] = EVENTS_BESIDE
) -> dict[str, str]:
    """The settings of several storages, by the name of each; the first has what is not mapped."""
    found = {
        "scalar.db.storage": "multi-storage",
        f"{MULTI}storages": ",".join(storages),
        f"{MULTI}default_storage": next(iter(storages)),
        f"{MULTI}namespace_mapping": ",".join(f"{n}:{name}" for n, name in namespaces.items()),
    }
    for name, own in storages.items():
        for key, text in own.items():
            found[key.replace("scalar.db.", f"{MULTI}storages.{name}.", 1)] = text
    return {key: text for key, text in found.items() if text}


def written(file: Path, given: Mapping[str, str]) -> Path:
    """A properties file of those settings."""
    file.write_text("".join(f"{key}={text}\n" for key, text in given.items()))
    return file


def make_tables(target: str) -> None:
    """The tables of all services, and that of the decisions; what is there stays."""
    with scalar_tx.connect(target) as db:
        db.admin.create_coordinator_tables(if_not_exists=True)
        for one in read_files(sorted(NAMESPACES.glob("*.json"))):
            db.admin.create_table(one.name, one.schema, if_not_exists=True)
