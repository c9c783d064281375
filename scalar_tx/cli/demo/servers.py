"""How does the tour get servers, where nobody named any?

From a checkout's own ``tests/servers``, which starts real ones as plain processes and ends them
for certain. An installed library has none, and says what to do instead.
"""

from __future__ import annotations

import importlib
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.padding import Padding
from rich.text import Text

import scalar_tx
from scalar_tx.errors import StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import Console

# What Maven fetches once, in megabytes.
_MEGABYTES: Final = {"cassandra": 67, "dynamodb": 51, "postgresql": 15, "mysql": 149}
_INSTEAD: Final = "name servers of yours by --config, or run scalar-tx demo without --storage"
_CODE: Final = "STX-4007"


@contextmanager
def started(screen: Console, names: Sequence[str]) -> Iterator[dict[str, Mapping[str, str]]]:
    """The properties of a fresh server for each name; all end with the block.

    StorageUnavailableError: this is no checkout, or Java or Maven is missing, or a server failed.
    """
    with ExitStack() as running:
        found: dict[str, Mapping[str, str]] = {}
        if names:
            _announce(screen, names)
        for name in names:
            start = _starter(name)
            begun = time.monotonic()
            try:
                cluster = running.enter_context(start())
            except Exception as error:
                raise StorageUnavailableError(
                    f"the tour could not start {name}: {error}",
                    advice=f"Install what is missing (Java 17 or newer, Maven); else {_INSTEAD}",
                    code=_CODE,
                    retryable=False,
                ) from error
            seconds = time.monotonic() - begun
            where = ", ".join(cluster.endpoints)
            _say(screen, f"{name} serves at {where}, after {seconds:.0f} s.")
            found[name] = cluster.properties()
        yield found


def _announce(screen: Console, names: Sequence[str]) -> None:
    size = sum(_MEGABYTES.get(name, 0) for name in names)
    screen.print()
    _say(
        screen,
        f"Starting {' and '.join(names)}, by this checkout's tests/servers: real servers on this "
        f"machine, which end with the tour. That takes Java 17 and Maven; the first time Maven "
        f"fetches about {size} MB.",
    )


def _say(screen: Console, text: str) -> None:
    screen.print(Padding(Text(text), (0, 0, 0, 2)))


def _starter(name: str) -> Callable[[], Any]:
    """The function that starts a server of that name."""
    from scalar_tx.cli.demo.configured import adapter_named

    root = Path(scalar_tx.__file__).resolve().parents[1]
    reference = adapter_named(name).demo_server or ""
    module, _, function = reference.partition(":")
    if not root.joinpath(*module.split("."), "__init__.py").is_file():
        raise StorageUnavailableError(
            f"there is no {name} for the tour: servers are started from a checkout of scalar_tx, "
            "and this is an installed library",
            advice=f"Take the tour from a checkout; else {_INSTEAD}",
            code=_CODE,
            retryable=False,
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    starter: Callable[[], Any] = getattr(importlib.import_module(module), function)
    return starter
