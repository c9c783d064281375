"""How does a command get at a database?

Commands look at databases that are there; none makes one by a mistyped path.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from scalar_tx.connection import Parts
    from scalar_tx.model.finding import Examination
    from scalar_tx.model.storage_settings import StorageSettings
    from scalar_tx.settings import Settings

T = TypeVar("T")


def run(steps: Coroutine[Any, Any, T]) -> T:
    """Run steps of the library to their end on this thread."""
    from scalar_tx.runtime.blocking import run_blocking

    return run_blocking(steps)


@contextmanager
def opened(config: str | None, *, looking: bool = False) -> Iterator[Parts]:
    """The parts of a manager for a target, closed afterwards.

    ``looking``: opened so that nothing is changed, where its storage can be so.
    StorageUnavailableError: the target names an embedded database that is not there.
    """
    from scalar_tx.settings import load

    settings = load(config)
    insist_on_existence(settings)
    with opened_with(settings, looking=looking) as parts:
        yield parts


@contextmanager
def opened_with(settings: Settings, *, looking: bool = False) -> Iterator[Parts]:
    """The parts of a manager for settings, closed afterwards."""
    from scalar_tx.connection import build, workers_for
    from scalar_tx.runtime.blocking import BlockingRuntime
    from scalar_tx.storage import registry

    storage = registry.open_storage(_to_look(settings.storage) if looking else settings.storage)
    runtime = BlockingRuntime(workers_for(settings, storage))
    try:
        yield build(settings, storage, runtime)
    finally:
        runtime.close()
        run(storage.close())


def _examined(storage: StorageSettings) -> Examination | None:
    """The examination of an embedded storage; a server refuses by itself what can't be."""
    from scalar_tx.storage import registry

    if not registry.adapter_of(storage).creates_coordinator:
        return None
    examine = registry.doctor_of(storage)
    return None if examine is None else examine(storage)


def _to_look(storage: StorageSettings) -> StorageSettings:
    if storage.multi is not None:
        storages = {name: _to_look(one) for name, one in storage.multi.storages.items()}
        return replace(storage, multi=replace(storage.multi, storages=storages))
    examination = _examined(storage)
    if examination is None or examination.looking is None:
        return storage
    return examination.looking


def insist_on_existence(settings: Settings) -> None:
    """StorageUnavailableError: they name an embedded database that is not there."""
    from scalar_tx.errors import StorageUnavailableError

    # Of several storages one may well be made by its first use.
    if settings.storage.multi is not None:
        return
    examination = _examined(settings.storage)
    if examination is None or examination.exists:
        return
    raise StorageUnavailableError(
        f"there is no database at {settings.source}",
        advice="Name it with --config, a properties file or a URL such as sqlite:///shop.db; "
        "scalar-tx doctor shows what a target means",
        code="STX-4005",
        retryable=False,
    )
