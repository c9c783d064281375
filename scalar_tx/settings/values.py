"""Which typed value does each property have, given or by default?"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from scalar_tx.errors import SettingsError
from scalar_tx.model.storage_settings import redacted
from scalar_tx.settings.keys import KEYS, PREFIX, Key, Use
from scalar_tx.settings.names import find
from scalar_tx.settings.placeholders import substitute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.settings.properties_file import Property

_LONGEST_SHOWN = 60


class Values:
    """Properties by canonical name, each read once as its key says.

    SettingsError names the place of a value that its key does not take, of a placeholder that is
    not set, and of a value that asks for what is not there.
    """

    def __init__(self, properties: Mapping[str, Property]) -> None:
        self._properties = properties
        self.texts: dict[str, str] = {}
        self._read: dict[str, object] = {}
        for name, given in properties.items():
            key = find(name)
            if key is None:
                continue
            value = _resolved(given, key)
            if value:  # empty is unset
                self.texts[name] = _joined(value)
                self._read[name] = _typed(value, key, given)

    def get(self, name: str) -> object:
        """The value of a property, or its default."""
        if name in self._read:
            return self._read[name]
        key = KEYS[name]
        return key.default if key.same_as is None else self.get(key.same_as)

    def flag(self, name: str) -> bool:
        """A property that is true or false."""
        return cast("bool", self.get(name))

    def integer(self, name: str) -> int:
        """A property that is a whole number."""
        return cast("int", self.get(name))

    def integer_if_set(self, name: str) -> int | None:
        """One that may be unset."""
        return cast("int | None", self.get(name))

    def word(self, name: str) -> str:
        """A text that has a default."""
        return cast("str", self.get(name))

    def text(self, name: str) -> str | None:
        """A text that may be unset."""
        return cast("str | None", self.get(name))

    def words(self, name: str) -> tuple[str, ...]:
        """A list."""
        return cast("tuple[str, ...]", self.get(name))

    def names(self, name: str) -> bool:
        """Is the property given, and not empty?"""
        return name in self._read

    def place(self, name: str) -> str | None:
        """Where the property was given."""
        return self._properties[name].place if name in self._read else None

    def without_meaning(self) -> dict[str, str]:
        """The given properties that change nothing here, each with the reason."""
        found = {}
        for name, value in self._read.items():
            key = find(name)
            if key is not None and key.use is Use.NO_MEANING and value != key.default:
                found[name] = key.note
        return found


def _resolved(given: Property, key: Key) -> str | tuple[str, ...]:
    # Another program's placeholders may be set only where it runs.
    if isinstance(given.value, tuple) or key.foreign:
        return given.value
    return substitute(given.value.strip(), f"{given.place}: {PREFIX}{given.name}")


def _typed(value: str | tuple[str, ...], key: Key, given: Property) -> object:
    if isinstance(value, tuple):
        if key.kind is KEYS["contact_points"].kind:
            return value
        value = _joined(value)
    try:
        read = key.kind.read(value)
    except ValueError:
        # As written, so that a placeholder's content is not shown.
        shown = redacted(_joined(given.value))[:_LONGEST_SHOWN]
        raise SettingsError(
            f"{given.place}: {PREFIX}{given.name} is {shown!r}",
            advice=f"It takes {key.kind.expects}",
        ) from None
    if key.only and read not in key.only:
        raise SettingsError(
            f"{given.place}: {PREFIX}{given.name} asks for {read!r}, which is not there: "
            f"{key.note}",
            advice=f"Remove the property, or set it to {str(key.only[0]).lower()}",
            code="STX-3025",
        )
    return read


def _joined(value: str | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return value
    return ",".join(part.replace(",", "\\,") for part in value)
