"""Settings: ScalarDB's properties, from a file, a URL, a mapping or keywords, as typed values.

``properties_file`` reads Java's syntax, ``placeholders`` fills in ``${…}``, ``keys`` lists every
property and what becomes of it, ``sources`` gathers what was given, ``values`` types it, and
``load`` makes ``Settings`` of it.
"""

from __future__ import annotations

from scalar_tx.model.isolation import Isolation
from scalar_tx.model.storage_settings import (
    ConnectionPoolSettings,
    MultiStorageSettings,
    StorageSettings,
)
from scalar_tx.settings.load import load
from scalar_tx.settings.node import Limits, NodeSettings, TlsSettings
from scalar_tx.settings.settings import (
    ActiveTransactionSettings,
    ConsensusCommitSettings,
    CrossPartitionScanSettings,
    GroupCommitSettings,
    SerializableStrategy,
    Settings,
)

__all__ = [
    "ActiveTransactionSettings",
    "ConnectionPoolSettings",
    "ConsensusCommitSettings",
    "CrossPartitionScanSettings",
    "GroupCommitSettings",
    "Isolation",
    "Limits",
    "MultiStorageSettings",
    "NodeSettings",
    "SerializableStrategy",
    "Settings",
    "StorageSettings",
    "TlsSettings",
    "load",
]
