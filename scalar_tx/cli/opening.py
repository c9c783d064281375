"""How does a command get at a database?

Commands look at databases that are there; none makes one by a mistyped path.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from scalar_tx.connection import Parts
    from scalar_tx.settings import Settings

T = TypeVar("T")


def run(steps: Coroutine[Any, Any, T]) -> T:
    """Run steps of the library to their end on this thread."""
    from scalar_tx.runtime.blocking import run_blocking

    return run_blocking(steps)


@contextmanager
def opened(config: str | None) -> Iterator[Parts]:
    """The parts of a manager for a target, closed afterwards.

    StorageUnavailableError: it names an embedded database that is not there.
    """
    from scalar_tx.settings import load

    settings = load(config)
    _insist_on_existence(settings)
    with opened_with(settings) as parts:
        yield parts


@contextmanager
def opened_with(settings: Settings) -> Iterator[Parts]:
    """The parts of a manager for settings, closed afterwards."""
    from scalar_tx.connection import build
    from scalar_tx.runtime.blocking import BlockingRuntime
    from scalar_tx.storage import registry

    storage = registry.open_storage(settings.storage)
    runtime = BlockingRuntime()
    try:
        yield build(settings, storage, runtime)
    finally:
        runtime.close()
        run(storage.close())


def _insist_on_existence(settings: Settings) -> None:
    from scalar_tx.errors import StorageUnavailableError
    from scalar_tx.storage import registry

    # A server refuses by itself; an embedded database would be made.
    if settings.storage.multi is not None:
        return
    if not registry.adapter_of(settings.storage).creates_coordinator:
        return
    examine = registry.doctor_of(settings.storage)
    if examine is None or examine(settings.storage).exists:
        return
    raise StorageUnavailableError(
        f"there is no database at {settings.source}",
        advice="Name it with --config, a properties file or a URL such as sqlite:///shop.db; "
        "scalar-tx doctor shows what a target means",
        code="STX-4005",
        retryable=False,
    )
