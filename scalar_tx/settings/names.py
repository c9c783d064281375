"""Which property does a name mean?"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from scalar_tx.errors import SettingsError
from scalar_tx.settings.keys import ALIASES, FOREIGN, KEYS, PREFIX, Key, Use
from scalar_tx.storage import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

SUB_STORAGES = "multi_storage.storages."


def canonical(name: str) -> str:
    """A name without prefix, spelt as the table of keys spells it."""
    head, rest = _sub_storage(name)
    return head + ALIASES.get(rest, rest)


def find(name: str) -> Key | None:
    """The key that a canonical name means, also for one of several storages."""
    rest = _sub_storage(name)[1]
    key = KEYS.get(rest)
    if key is not None:
        return key
    for family, owner in FOREIGN.items():
        if rest.startswith(family):
            return Key(name, use=Use.NO_MEANING, note=f"it is for {owner}", foreign=True)
    if rest in registry.adapter_properties():
        return Key(name, use=Use.ADAPTER)
    return None


def nearest(name: str) -> str | None:
    """The known name most like an unknown one, both without prefix."""
    head, rest = _sub_storage(name)
    near = difflib.get_close_matches(rest, _spelt(), n=1, cutoff=0.5)
    return head + near[0] if near else None


def from_keyword(keyword: str) -> str:
    """The canonical name that a keyword argument means: dots are written as underscores there.

    SettingsError names the nearest known keyword, or the several properties that it could mean.
    """
    dotted = keyword.removeprefix(PREFIX)
    if find(canonical(dotted)) is not None:
        return canonical(dotted)
    wanted = _keyword(dotted)
    meant = sorted({canonical(name) for name in _spelt() if _keyword(name) == wanted})
    if not meant:
        meant = sorted(set(_meant_of_sub_storage(wanted)))
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise SettingsError(
            f"the setting {keyword!r} could mean {' or '.join(PREFIX + name for name in meant)}",
            advice="Give the settings as a mapping of property names",
            code="STX-3024",
        )
    keywords = [_keyword(name) for name in _spelt()]
    near = difflib.get_close_matches(wanted, keywords, n=1, cutoff=0.5)
    raise SettingsError(
        f"there is no setting {keyword!r}",
        advice=f"The nearest is {near[0]!r}" if near else _ADVICE,
        code="STX-3023",
    )


_ADVICE = "Settings are ScalarDB's properties without 'scalar.db.', dots as underscores"


def _keyword(name: str) -> str:
    return name.replace(".", "_").replace("-", "_")


def _spelt() -> list[str]:
    return [*KEYS, *ALIASES, *registry.adapter_properties()]


def _sub_storage(name: str) -> tuple[str, str]:
    """Split ``multi_storage.storages.<name>.`` off; a storage's name may hold dots itself."""
    if not name.startswith(SUB_STORAGES):
        return "", name
    inside = name.removeprefix(SUB_STORAGES)
    tails = [inside[at + 1 :] for at, letter in enumerate(inside) if letter == "." and at > 0]
    if not tails:
        return "", name
    tail = next((one for one in tails if one in KEYS or one in ALIASES), tails[0])
    return name.removesuffix(tail), tail


def _meant_of_sub_storage(wanted: str) -> Iterator[str]:
    start = _keyword(SUB_STORAGES)
    if not wanted.startswith(start):
        return
    for name in _spelt():
        storage = wanted.removeprefix(start).removesuffix("_" + _keyword(name))
        if storage and start + storage != wanted:
            yield canonical(f"{SUB_STORAGES}{storage}.{name}")
