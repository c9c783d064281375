"""What does ``${…}`` in a property stand for?

``${env:NAME}`` and ``${NAME}`` are the environment, ``${sys:NAME}`` the few system properties of
Java that mean something here; ``:-`` gives a default for an unset name. ``$${`` is a plain ``${``.
What was put in is not looked at again, so a password may hold anything.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

_PLACEHOLDER = re.compile(r"(\$?)\$\{([^}]*)\}")


def _user_name() -> str:
    import getpass

    return getpass.getuser()


def _folder_for_temporary_files() -> str:
    import tempfile

    return tempfile.gettempdir()


_SYSTEM_PROPERTIES: dict[str, Callable[[], str]] = {
    "user.home": lambda: str(Path.home()),
    "user.dir": lambda: str(Path.cwd()),
    "user.name": _user_name,
    "java.io.tmpdir": _folder_for_temporary_files,
    "file.separator": lambda: os.sep,
}


def substitute(text: str, place: str) -> str:
    """The text with every placeholder replaced. An unset name is a SettingsError that names it."""
    return _PLACEHOLDER.sub(lambda found: _replacement(found, place), text)


def _replacement(found: re.Match[str], place: str) -> str:
    escaped, inside = found[1], found[2]
    if escaped:
        return found[0][1:]
    if "${" in inside:
        raise SettingsError(
            f"{place}: a placeholder within a placeholder", advice="Give a plain text after ':-'"
        )
    name, separator, default = inside.partition(":-")
    value = _looked_up(name.strip(), place)
    if value is not None:
        return value
    if separator:
        return default
    name = name.strip().removeprefix("env:")
    if name.startswith("sys:"):
        raise SettingsError(
            f"{place}: there is no Java system property {name.removeprefix('sys:')!r} here",
            advice="Use ${env:NAME}, or give a default: ${sys:NAME:-default}",
            code="STX-3022",
        )
    raise SettingsError(
        f"{place}: the environment variable {name} is not set",
        advice=f"Set {name}, or give a default: ${{env:{name}:-default}}",
        code="STX-3022",
    )


def _looked_up(name: str, place: str) -> str | None:
    kind, separator, rest = name.partition(":")
    if not separator:
        kind, rest = "env", name
    if not rest or kind not in {"env", "sys"}:
        raise SettingsError(
            f"{place}: ${{{name}}} is no placeholder",
            advice="Write ${env:NAME}, ${sys:NAME} or ${NAME}; a plain '${' is written '$${'",
        )
    if kind == "env":
        return os.environ.get(rest)
    known = _SYSTEM_PROPERTIES.get(rest)
    if known is None:
        return None
    try:
        return known()
    except (KeyError, OSError, RuntimeError):
        return None  # a user without a home or a name, as in a container
