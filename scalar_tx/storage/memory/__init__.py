"""A storage in this process's memory: the reference for what an adapter must do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.storage.memory.storage import MemoryStorage

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings

__all__ = ["MemoryStorage", "open_memory"]


def open_memory(settings: StorageSettings) -> MemoryStorage:
    """A new, empty storage."""
    del settings  # nothing about it can be set
    return MemoryStorage()
