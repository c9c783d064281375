"""ACID transactions across databases that don't know of each other.

    import scalar_tx

    db = scalar_tx.connect("sqlite:///shop.db")

    @db.transactional
    def pay(tx, source, target, amount): ...

``connect`` opens a manager for threads, ``connect_async`` one for asyncio; ``open_storage`` the
storage alone, without transactions.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import (
    ConditionNotMetError,
    ConflictError,
    InvalidOperationError,
    RecordNotFoundError,
    ScalarTxError,
    SchemaError,
    SettingsError,
    StorageUnavailableError,
    TransactionNotFoundError,
    UnknownOutcomeError,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from scalar_tx.manager import TransactionManager
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.model.conditions import column, if_exists, if_not_exists
    from scalar_tx.model.isolation import Isolation
    from scalar_tx.model.operations import Delete, Get, Insert, Put, Scan, Update, Upsert
    from scalar_tx.model.record import Record
    from scalar_tx.model.record_class import table
    from scalar_tx.model.state import TransactionState
    from scalar_tx.model.table import TableSchema
    from scalar_tx.retry import RetryPolicy
    from scalar_tx.storage.interface import Storage
    from scalar_tx.transaction import Transaction
    from scalar_tx.transaction_async import AsyncTransaction

    Target = str | os.PathLike[str] | Mapping[str, object] | None

__version__ = "0.1.0"

# Imported when somebody asks for them: a program that only catches errors pays for nothing else.
_HOMES: Final = {
    "AsyncTransaction": "transaction_async",
    "AsyncTransactionManager": "manager_async",
    "Delete": "model.operations",
    "Get": "model.operations",
    "Insert": "model.operations",
    "Isolation": "model.isolation",
    "Put": "model.operations",
    "Record": "model.record",
    "RetryPolicy": "retry",
    "Scan": "model.operations",
    "Script": "model.script",
    "TableSchema": "model.table",
    "Transaction": "transaction",
    "TransactionManager": "manager",
    "TransactionState": "model.state",
    "Update": "model.operations",
    "Upsert": "model.operations",
    "column": "model.conditions",
    "if_exists": "model.conditions",
    "if_not_exists": "model.conditions",
    "table": "model.record_class",
}


def connect(target: Target = None, **settings: object) -> TransactionManager:
    """Open a manager for threads; a context manager, or call ``close``.

    ``target``: a URL (``sqlite:///shop.db``, ``memory://``), the path of a properties file, a
    mapping of ScalarDB's properties, or None: ``./scalardb.properties`` if there is one, else
    ``sqlite:///scalar_tx.db``. ``settings`` are properties without ``scalar.db.``, dots as
    underscores. SettingsError names what can't be; the database is opened at first use.
    """
    from scalar_tx.manager import TransactionManager
    from scalar_tx.settings import load

    found = load(target, settings)
    if not found.is_node:
        return TransactionManager(found)
    from scalar_tx.cluster.client import open_blocking

    return TransactionManager(found, open_blocking)


def connect_async(target: Target = None, **settings: object) -> AsyncTransactionManager:
    """Open a manager for asyncio; an async context manager, or await ``close``. See ``connect``."""
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.settings import load

    found = load(target, settings)
    if not found.is_node:
        return AsyncTransactionManager(found)
    from scalar_tx.cluster.client import open_async

    return AsyncTransactionManager(found, open_async)


def open_storage(target: Target = None, **settings: object) -> Storage:
    """Open a storage alone: single atomic writes and reads, no transactions. See ``connect``."""
    from scalar_tx.settings import load
    from scalar_tx.storage import registry

    return registry.open_storage(load(target, settings).storage)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "AsyncTransaction",
    "AsyncTransactionManager",
    "ConditionNotMetError",
    "ConflictError",
    "Delete",
    "Get",
    "Insert",
    "InvalidOperationError",
    "Isolation",
    "Put",
    "Record",
    "RecordNotFoundError",
    "RetryPolicy",
    "ScalarTxError",
    "Scan",
    "SchemaError",
    "Script",
    "SettingsError",
    "StorageUnavailableError",
    "TableSchema",
    "Transaction",
    "TransactionManager",
    "TransactionNotFoundError",
    "TransactionState",
    "UnknownOutcomeError",
    "Update",
    "Upsert",
    "column",
    "connect",
    "connect_async",
    "if_exists",
    "if_not_exists",
    "open_storage",
    "table",
]
