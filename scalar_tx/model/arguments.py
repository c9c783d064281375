"""Is an argument of the kind it must be, whatever the tables are like?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scalar_tx.errors import InvalidOperationError


def wrong(message: str, advice: str) -> InvalidOperationError:
    """The error about an argument of the wrong kind or out of its range."""
    return InvalidOperationError(message, advice=advice, code="STX-3013")


def check_flags(**flags: object) -> None:
    """Refuse what is neither True nor False."""
    for name, value in flags.items():
        if type(value) is not bool:
            raise not_a_bool(name, value)


def not_a_bool(name: str, value: object) -> InvalidOperationError:
    """The error about a switch that is neither True nor False."""
    return wrong(f"{name} is {value!r:.60}", f"Give {name}=True or {name}=False")


def check_timeout(timeout: object) -> None:
    """Refuse what is no number of seconds."""
    if timeout is None:
        return
    if type(timeout) not in (int, float) or not timeout > 0:  # type: ignore[operator]
        raise wrong(
            f"timeout is {timeout!r:.60}",
            "Give a number of seconds above 0, or None for no limit",
        )


def check_iterable(given: object, what: str) -> None:
    """Refuse what can't be gone through item by item; a text and a mapping are no lists."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise wrong(f"{given!r:.60} is no list of {what}", f"Give a list of {what}, also of one")
