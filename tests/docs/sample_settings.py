"""How does a sample of settings become one that opens here?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.servers import Cluster

_PLACEHOLDER = re.compile(r"\$\{(?:env:)?(\w+)\}")
_OF_ONE = re.compile(r"(scalar\.db\.multi_storage\.storages\.)(\w+)\.(.+?)=")


def placeholders(text: str) -> set[str]:
    """The variables that it takes from the environment."""
    return set(_PLACEHOLDER.findall(text))


def with_files(text: str) -> str:
    """A SQLite file in the place of each of several storages."""
    return _replaced(
        text,
        lambda name: {
            "scalar.db.storage": "sqlite",
            "scalar.db.contact_points": f"{name}.db",
        },
    )


def with_servers(text: str, servers: Mapping[str, Cluster]) -> str:
    """The server of its name in the place of each of several storages."""
    return _replaced(text, lambda name: servers[name].properties())


def _replaced(text: str, settings: Callable[[str], Mapping[str, str]]) -> str:
    lines = text.splitlines()
    kept = [line for line in lines if not _OF_ONE.match(line)]
    names = dict.fromkeys(found[2] for line in lines if (found := _OF_ONE.match(line)))
    for name in names:
        prefix = f"scalar.db.multi_storage.storages.{name}."
        for key, value in settings(name).items():
            kept.append(key.replace("scalar.db.", prefix) + f"={value}")
    return "\n".join(kept) + "\n"
