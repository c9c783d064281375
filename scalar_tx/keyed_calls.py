"""Which call is this? What ``key=`` and ``scope=`` say, and what the call was made with.

Two calls are one if their scope and key are the same; then their arguments have to be, too. Of
those only a digest is kept, which does not depend on how they were handed over: by position or by
name, a default left out or given.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.tagged_json import encoded

Key: TypeAlias = str | Callable[..., str] | None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function that is to be done once; ``what`` names it for people."""

    scope: str
    key: str
    digest: bytes
    what: str


def keyed_function(
    function: Callable[..., Any],
    key: Key,
    scope: str | None,
    *,
    place: int = 0,
    read_only: bool = False,
) -> KeyedFunction | None:
    """What a function's calls are known by; None: they may be done again.

    ``place`` is the position of the transaction among the function's parameters.
    """
    if key is None:
        if scope is not None:
            raise _wrong("scope= says where a key counts, and there is no key=", "Give key= too")
        return None
    if not callable(key):
        _check_text("key", key)
    if scope is not None:
        _check_text("scope", scope)
    if read_only:
        raise _wrong(
            "key= stores a result, and read_only=True allows no write",
            "Leave one of them out: what only reads may be done again",
        )
    return KeyedFunction(function, key, scope or _qualified_name(function), place)


class KeyedFunction:
    """A function, the key of its calls, and where that key counts."""

    def __init__(
        self, function: Callable[..., Any], key: str | Callable[..., str], scope: str, place: int
    ) -> None:
        self._key = key
        self._scope = scope
        self._name = getattr(function, "__qualname__", scope)
        self._signature, self._left_out = _without_transaction(function, place)

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """The call with these arguments, the transaction not among them.

        InvalidOperationError: an argument is nothing that could be compared later, or the key is no
        text. TypeError: the function can't be called so.
        """
        bound = self._signature.bind(*args, **kwargs)
        given = {
            name: text
            for name, value in bound.arguments.items()
            if name != self._left_out and (text := self._given(name, value)) is not None
        }
        key = self._key
        if callable(key):
            key = key(*args, **kwargs)
            _check_text(f"the key of {self._name}", key)
        digest = hashlib.sha256(encoded(given, self._name, sort=True).encode()).digest()
        return Call(self._scope, key, digest, f"{self._name} with the key {key!r:.80}")

    def _given(self, name: str, value: object) -> str | None:
        """An argument's text; None if it is the default, which need not be given."""
        default = self._signature.parameters[name].default
        if value is default:
            return None
        text = encoded(value, f"the argument {name!r} of {self._name}", sort=True)
        return None if text == _text_of_default(default) else text


def _text_of_default(default: object) -> str | None:
    try:
        return encoded(default, "the default", sort=True)
    except InvalidOperationError:
        return None  # no argument can be equal to it


def _without_transaction(
    function: Callable[..., Any], place: int
) -> tuple[inspect.Signature, str | None]:
    """The signature as callers see it, and the name of ``self``, which takes no part."""
    try:
        signature = inspect.signature(function)
    except ValueError as error:
        raise _wrong(
            f"{function!r} does not say which arguments it takes",
            "Wrap it in a function that does",
        ) from error
    parameters = list(signature.parameters.values())
    if len(parameters) > place and parameters[place].kind is not inspect.Parameter.VAR_POSITIONAL:
        del parameters[place]
    left_out = parameters[0].name if place else None
    return signature.replace(parameters=parameters), left_out


def _qualified_name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__qualname__", None)
    module = getattr(function, "__module__", None)
    if not isinstance(name, str) or not isinstance(module, str):
        raise _wrong(
            f"{function!r:.80} has no qualified name that its keys could count under",
            "Give scope=, a text of your own",
        )
    if module == "__main__":
        # Another process may import what this one runs with -m.
        module = getattr(getattr(sys.modules[module], "__spec__", None), "name", module)
    return f"{module}.{name}"


def _check_text(what: str, given: object) -> None:
    if type(given) is not str or not given:
        raise _wrong(
            f"{what} is {given!r:.60}",
            "Give a text that is not empty; key= may be a function that makes it of the arguments",
        )


def _wrong(message: str, advice: str) -> InvalidOperationError:
    return InvalidOperationError(message, advice=advice, code="STX-3070")
