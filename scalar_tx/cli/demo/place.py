"""Where does the tour keep its bank?

An embedded database in a fresh folder, or storages that are asked for by name: each comes out of
the settings that ``--config`` names, or is a server that the tour starts for itself.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scalar_tx.cli.demo.bank import Bank
from scalar_tx.cli.demo.configured import properties_of
from scalar_tx.cli.demo.servers import started

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

_MULTI: Final = "scalar.db.multi_storage."
_PREFIX: Final = "scalar.db."


@dataclass(slots=True)
class Place:
    """A fresh folder, and the database in it or beside it.

    ``keep``: it stays when the tour is over. ``own``: the database is the tour's own, and goes by
    itself; else the tour's tables are removed from it.
    """

    folder: Path
    keep: bool
    target: str
    bank: Bank = field(default_factory=Bank)
    own: bool = True

    @property
    def kept_things(self) -> str:
        """What stays in the folder, as the beginning of a sentence."""
        return "Properties and logs are" if self.bank.storages else "The database is"


@contextmanager
def place(
    screen: Console, *, keep: bool, storages: Sequence[str] = (), config: str | None = None
) -> Iterator[Place]:
    """A folder in this directory if it is to be kept, else one for temporary files.

    ``storages`` are names of the registry; none: an embedded database in the folder.
    """
    parent = Path.cwd() if keep else None
    folder = Path(tempfile.mkdtemp(prefix="scalar-tx-demo-", dir=parent))
    found = Place(folder, keep, f"sqlite:///{folder / 'demo.db'}")
    with ExitStack() as running:
        running.callback(_let_go, found)
        if storages:
            found.bank = Bank(tuple(storages))
            found.own = config is None
            given = properties_of(config, storages) if config is not None else {}
            for name in storages:
                if name == "sqlite" and name not in given:
                    given[name] = _embedded(folder)
            missing = [name for name in storages if name not in given]
            given |= running.enter_context(started(screen, missing))
            found.target = _write(folder, found.bank, {name: given[name] for name in storages})
        yield found


def _let_go(found: Place) -> None:
    if not found.keep:
        shutil.rmtree(found.folder, ignore_errors=True)


def _embedded(folder: Path) -> Mapping[str, str]:
    return {f"{_PREFIX}storage": "sqlite", f"{_PREFIX}contact_points": str(folder / "demo.db")}


def _write(folder: Path, bank: Bank, given: Mapping[str, Mapping[str, str]]) -> str:
    """Write the properties file that the tour and its processes open."""
    lines: dict[str, str] = {}
    if bank.spread:
        lines |= {
            f"{_PREFIX}storage": "multi-storage",
            f"{_MULTI}storages": ",".join(given),
            f"{_MULTI}default_storage": bank.storages[0],
            f"{_MULTI}namespace_mapping": ",".join(
                f"{namespace}:{name}" for namespace, name in bank.namespaces.items()
            ),
        }
    for name, properties in given.items():
        own = f"{_MULTI}storages.{name}." if bank.spread else _PREFIX
        lines |= {own + key.removeprefix(_PREFIX): text for key, text in properties.items()}
    path = folder / "demo.properties"
    # Passwords of the given settings are in it.
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
        file.writelines(f"{key}={_escaped(text)}\n" for key, text in lines.items())
    return str(path)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
