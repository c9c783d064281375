"""Where do the settings come from: a file, a URL, a mapping, the keywords of a call?"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Self

from scalar_tx.errors import SettingsError
from scalar_tx.model.storage_settings import redacted
from scalar_tx.settings.keys import PREFIX
from scalar_tx.settings.names import canonical, from_keyword, nearest
from scalar_tx.settings.properties_file import Property, read_file
from scalar_tx.settings.settings import NODE_KINDS
from scalar_tx.storage import registry

logger = logging.getLogger("scalar_tx.settings")

DEFAULT_FILE = "scalardb.properties"
DEFAULT_URL = "sqlite:///scalar_tx.db"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Origin(Enum):
    """What kind of target the settings come from."""

    FILE = "file"
    URL = "URL"
    MAPPING = "mapping"


@dataclass(frozen=True, slots=True)
class Source:
    """Properties under their canonical names, and where they come from."""

    origin: Origin
    name: str
    properties: tuple[Property, ...]

    def as_data(self) -> dict[str, Any]:
        """The source for another process, as JSON has it. It may hold secrets."""
        properties = [[one.name, one.value, one.place] for one in self.properties]
        return {"origin": self.origin.value, "name": self.name, "properties": properties}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Self:
        """What ``as_data`` gave."""
        properties = tuple(
            Property(name, value if isinstance(value, str) else tuple(value), place)
            for name, value, place in data["properties"]
        )
        return cls(Origin(data["origin"]), data["name"], properties)


def read_target(
    target: str | os.PathLike[str] | Mapping[str, object] | None, *, storage_given: bool
) -> Source:
    """The properties of a target; ``storage_given``: the call's keywords name a storage."""
    if target is None:
        return _default(storage_given=storage_given)
    if isinstance(target, Mapping):
        return _mapping(target)
    if isinstance(target, str) and (target.startswith("jdbc:") or _SCHEME.match(target)):
        return _url(target)
    if isinstance(target, str | os.PathLike):
        path = os.fspath(target)
        if isinstance(path, str) and path:
            return _file(Path(path))
    raise SettingsError(
        f"a target can't be {'empty' if target == '' else f'of type {type(target).__name__}'}",
        advice="Give a URL, the path of a properties file, a mapping of properties, or None",
    )


def read_keywords(settings: Mapping[str, object]) -> dict[str, Property | None]:
    """The properties that keyword arguments give; None unsets one."""
    found: dict[str, Property | None] = {}
    for keyword, value in settings.items():
        name = from_keyword(keyword)
        place = f"the setting {keyword!r}"
        if name in found:
            raise SettingsError(f"{place} is given twice, under two names", advice="Give it once")
        found[name] = None if value is None else Property(name, _value(value, place), place)
    return found


def _default(*, storage_given: bool) -> Source:
    path = Path(DEFAULT_FILE)
    if path.is_file():
        source = _file(path)
        logger.info("no target was given: settings are read from %s", path.absolute())
        return source
    if storage_given:
        return Source(Origin.URL, "the keywords of the call", ())
    logger.info(
        "no target was given and there is no %s here: %s is used", DEFAULT_FILE, DEFAULT_URL
    )
    return _url(DEFAULT_URL)


def _file(path: Path) -> Source:
    last: dict[str, Property] = {}
    foreign = []
    for one in read_file(path):
        if not one.name.startswith(PREFIX):
            foreign.append(one.name)
            continue
        before = last.get(one.name)
        if before is not None:
            logger.warning(
                "%s: %s stands at %s already; the last one counts",
                one.place,
                one.name,
                before.place,
            )
        last[one.name] = one
    if foreign:
        logger.info("%s: not ScalarDB's, ignored: %s", path, ", ".join(sorted(set(foreign))))
    return Source(Origin.FILE, str(path), _canonical(last))


def _mapping(target: Mapping[str, object]) -> Source:
    given = {}
    for name, value in target.items():
        if not isinstance(name, str) or not name.startswith(PREFIX):
            near = nearest(name) if isinstance(name, str) else None
            raise SettingsError(
                f"the mapping holds {name!r}, which is no property name",
                advice=f"Property names begin with {PREFIX!r}"
                + (f"; the nearest is {PREFIX + near!r}" if near else ""),
                code="STX-3023",
            )
        if value is not None:
            given[name] = Property(name, _value(value, f"the mapping: {name}"), "the mapping")
    return Source(Origin.MAPPING, "a mapping", _canonical(given))


def _url(target: str) -> Source:
    shown = redacted(target)
    found = _SCHEME.match(target)
    scheme = "jdbc" if found is None else found[1].lower()
    kind = scheme if scheme in NODE_KINDS else registry.kind_of_scheme(scheme)
    if kind is None:
        known = ", ".join(f"{one}://" for one in registry.schemes())
        raise SettingsError(
            f"{shown}: no storage goes by {scheme}://",
            advice=f"Known are {known}; a file is named by its path alone",
        )
    place = f"the target {shown}"
    return Source(
        Origin.URL,
        shown,
        (
            Property("storage", kind, place),
            Property("contact_points", (target,), place),
        ),
    )


def _canonical(given: Mapping[str, Property]) -> tuple[Property, ...]:
    """Names without prefix, aliases resolved; a property's own name wins over an old one."""
    named: dict[str, Property] = {}
    for full, one in given.items():
        name = full.removeprefix(PREFIX)
        meant = canonical(name)
        if meant != name:
            logger.warning("%s: %s is an old name of %s", one.place, full, PREFIX + meant)
            if PREFIX + meant in given:
                continue
        named[meant] = Property(meant, one.value, one.place)
    return tuple(named.values())


def _value(value: object, place: str) -> str | tuple[str, ...]:
    """A Python value as a property's text. A message never shows the value: it may be secret."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, os.PathLike):
        path = os.fspath(value)
        if isinstance(path, str):
            return path
    elif isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return tuple(value)
    raise SettingsError(
        f"{place} is of type {type(value).__name__}",
        advice="Give a text, a number, a bool, or a list of texts",
    )
