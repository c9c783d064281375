"""How does a value become a text that reads back as the same value?

JSON says what it can: null, true and false, whole numbers, finite fractions, texts, lists, and
objects. All else is an object of one member whose name begins with ``$`` and says what it is. The
text holds data and nothing that could be run.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEEPEST: Final = 50  # levels of lists and mappings in each other
_ADVICE: Final = (
    "Use None, bool, int, float, str, bytes, date, time, datetime, a Record, and lists, tuples and "
    "mappings of them; convert everything else, an Enum by its .value, a UUID or Decimal by str"
)


def encoded(value: object, place: str, *, sort: bool = False) -> str:
    """The text of a value; InvalidOperationError names the place of what has none.

    ``sort``: equal mappings give equal texts, in whatever order they were made.

    >>> encoded({"to": (1, 2.5), "at": b"hi"}, "it")
    '{"to":{"$tuple":[1,2.5]},"at":{"$blob":"aGk="}}'
    """
    plain = _Encoding(sort=sort).plain(value, place, DEEPEST)
    try:
        text = json.dumps(
            plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=sort
        )
        text.encode()
    except UnicodeEncodeError:
        raise _refused(place, "holds a lone surrogate, which is no character") from None
    except ValueError:
        raise _refused(place, "holds a number of thousands of digits") from None
    return text


def decoded(text: str) -> Any:
    """Read what ``encoded`` wrote; SchemaError if a text is not of that form."""
    try:
        return _value(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error) as error:
        raise SchemaError(
            f"a stored value can't be read: {text[:60]!r}",
            advice="Leave the table to the library; restore the record from a backup",
        ) from error


def _refused(place: str, what: str) -> InvalidOperationError:
    return InvalidOperationError(f"{place} {what}", advice=_ADVICE, code="STX-3072")


class _Encoding:
    def __init__(self, *, sort: bool) -> None:
        self._sort = sort

    def plain(self, value: object, place: str, levels: int) -> object:
        """The value in JSON's own types."""
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"$double": repr(value)}
        if levels == 0:
            raise _refused(place, f"is nested deeper than {DEEPEST} levels, or within itself")
        if type(value) in (list, tuple):
            several: Sequence[object] = value  # type: ignore[assignment]  # a list or tuple
            items = [
                self.plain(one, f"{place}[{number}]", levels - 1)
                for number, one in enumerate(several)
            ]
            return items if type(value) is list else {"$tuple": items}
        if isinstance(value, Record):
            parts = (value.table, value.key, dict(value))
            return {"$record": [self.plain(one, place, levels - 1) for one in parts]}
        if isinstance(value, Mapping):
            return self._mapping(value, place, levels - 1)
        return _scalar(value, place)

    def _mapping(self, value: Mapping[Any, Any], place: str, levels: int) -> object:
        if all(type(name) is str and not name.startswith("$") for name in value):
            return {
                name: self.plain(one, f"{place}[{name!r}]", levels) for name, one in value.items()
            }
        pairs = [
            [
                self.plain(name, f"the key {name!r:.60} of {place}", levels),
                self.plain(one, f"{place}[{name!r:.60}]", levels),
            ]
            for name, one in value.items()
        ]
        if self._sort:
            pairs.sort(key=lambda pair: json.dumps(pair[0], sort_keys=True))
        return {"$mapping": pairs}


def _scalar(value: object, place: str) -> object:
    match value:
        case bytes() | bytearray() | memoryview():
            return {"$blob": base64.b64encode(bytes(value)).decode()}
        case dt.datetime(tzinfo=None):
            return {"$timestamp": value.isoformat()}
        case dt.datetime() if value.utcoffset() is not None:
            try:
                return {"$timestamptz": value.astimezone(dt.UTC).isoformat()}
            except OverflowError:
                raise _refused(place, f"is {value!r}, which has no year in UTC") from None
        case dt.date() if not isinstance(value, dt.datetime):
            return {"$date": value.isoformat()}
        case dt.time(tzinfo=None):
            return {"$time": value.isoformat()}
    raise _refused(place, f"is {type(value).__name__} {value!r:.60}, which can't be stored")


_TAGS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "$double": float,
    "$blob": lambda text: base64.b64decode(text, validate=True),
    "$timestamp": dt.datetime.fromisoformat,
    "$timestamptz": dt.datetime.fromisoformat,
    "$date": dt.date.fromisoformat,
    "$time": dt.time.fromisoformat,
    "$tuple": lambda items: tuple(_value(one) for one in items),
    "$mapping": lambda pairs: {_value(name): _value(one) for name, one in pairs},
    "$record": lambda parts: Record(*(_value(part) for part in parts)),
}


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_value(one) for one in plain]
    if not isinstance(plain, dict):
        return plain
    if len(plain) == 1:
        ((tag, inner),) = plain.items()
        if tag.startswith("$"):
            return _TAGS[tag](inner)
    return {name: _value(one) for name, one in plain.items()}
