"""What can be set, as typed values?"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from scalar_tx.model.isolation import Isolation
from scalar_tx.retry import RetryPolicy
from scalar_tx.settings.node import NodeSettings

NODE_KINDS = frozenset({"grpc", "grpcs"})  # where a storage's kind would stand

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings


class SerializableStrategy(Enum):
    """How reads are validated at SERIALIZABLE; EXTRA_WRITE of older releases is EXTRA_READ now."""

    EXTRA_READ = "EXTRA_READ"


@dataclass(frozen=True, slots=True)
class GroupCommitSettings:
    """``consensus_commit.coordinator.group_commit.*`` (Consensus Commit specification 6)."""

    enabled: bool = False
    slot_capacity: int = 20
    group_size_fix_timeout_millis: int = 40
    delayed_slot_move_timeout_millis: int = 1200
    old_group_abort_timeout_millis: int = 60_000
    timeout_check_interval_millis: int = 20
    metrics_monitor_log_enabled: bool = False


@dataclass(frozen=True, slots=True)
class ConsensusCommitSettings:
    """``consensus_commit.*`` (Consensus Commit specification 9.1).

    ``isolation_named``: a settings file itself named the level, so that what a storage can't make
    serializable is ScalarDB's behaviour and a warning instead of a refusal.
    """

    isolation: Isolation = Isolation.SERIALIZABLE
    isolation_named: bool = False
    serializable_strategy: SerializableStrategy = SerializableStrategy.EXTRA_READ
    coordinator_namespace: str = "coordinator"
    parallel_executor_count: int = 128
    parallel_preparation: bool = True
    parallel_validation: bool = True
    parallel_commit: bool = True
    parallel_rollback: bool = True
    parallel_implicit_pre_read: bool = True
    async_commit: bool = False
    async_rollback: bool = False
    write_omission_on_read_only: bool = True
    one_phase_commit: bool = True
    include_metadata: bool = False
    index_eventually_consistent_read: bool = False
    write_set_logging: bool = False
    participant_id: str | None = None
    group_commit: GroupCommitSettings = field(default_factory=GroupCommitSettings)


@dataclass(frozen=True, slots=True)
class CrossPartitionScanSettings:
    """``cross_partition_scan.*``: may whole tables be scanned, filtered, ordered?"""

    enabled: bool = True
    filtering: bool = True
    ordering: bool = True


@dataclass(frozen=True, slots=True)
class ActiveTransactionSettings:
    """``active_transaction_management.*``; None: transactions never expire, or have no limit."""

    enabled: bool = True
    expiration_millis: int | None = None
    max_active: int | None = 10_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. ``source`` says where it came from, for people.

    ``metadata_cache_seconds`` None: never forgotten. ``bigint_range`` is 53 or 64.
    """

    source: str
    storage: StorageSettings
    consensus_commit: ConsensusCommitSettings = field(default_factory=ConsensusCommitSettings)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    cross_partition_scan: CrossPartitionScanSettings = field(
        default_factory=CrossPartitionScanSettings
    )
    active_transactions: ActiveTransactionSettings = field(
        default_factory=ActiveTransactionSettings
    )
    metadata_cache_seconds: int | None = 60
    scan_fetch_size: int | None = None
    system_namespace: str = "scalardb"
    default_namespace: str | None = None
    bigint_range: int = 53
    unknown_keys: str = "error"
    node: NodeSettings = field(default_factory=NodeSettings)

    @property
    def is_node(self) -> bool:
        """Do they name a node, which has the databases?"""
        return self.storage.kind in NODE_KINDS
