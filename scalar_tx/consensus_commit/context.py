"""What does every transaction of one manager share?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scalar_tx.model.isolation import Isolation

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.commit_hook import CommitHook, PrepareHook
    from scalar_tx.consensus_commit.decisions import DecisionMaker
    from scalar_tx.consensus_commit.finish_later import FinishLater
    from scalar_tx.consensus_commit.group_commit import GroupCommit
    from scalar_tx.consensus_commit.metadata import Catalog
    from scalar_tx.consensus_commit.observer import Observer
    from scalar_tx.consensus_commit.recover import Recovery
    from scalar_tx.runtime.interface import Runtime
    from scalar_tx.storage.interface import Storage


@dataclass(frozen=True, slots=True)
class Options:
    """The settings that the protocol obeys; ScalarDB, too, defaults to all but two of them."""

    isolation: Isolation = Isolation.SERIALIZABLE
    # The level comes from a settings file: reads that a storage can't make serializable are then
    # done with a warning, as ScalarDB does, instead of being refused.
    isolation_from_file: bool = False
    write_omission_on_read_only: bool = True
    wide_bigint: bool = False
    default_namespace: str | None = None
    scan_fetch_size: int | None = None  # rows a page of a scan; None: as fits the scan
    whole_table_scan: bool = True
    whole_table_filter: bool = True
    whole_table_order: bool = True
    include_metadata: bool = False
    one_phase_commit: bool = True  # leave out the steps that a transaction can do without
    record_only: bool = True  # may records alone tell of a commit? Not where others ask for it
    async_commit: bool = False  # does commit return before its records are finished?
    async_rollback: bool = False  # does a failed commit raise before its records are undone?
    # May a COMMITTED of this process be removed before it has heard of it? (Specification 5.6)
    decisions_are_removed: bool = True
    before_index_check: bool = True  # off: index.eventually_consistent_read.enabled


@dataclass(slots=True)
class Context:
    """The world as a transaction sees it."""

    storage: Storage
    runtime: Runtime
    catalog: Catalog
    decisions: DecisionMaker
    recovery: Recovery
    groups: GroupCommit | None = None  # None: every transaction has a decision row of its own
    options: Options = field(default_factory=Options)
    commit_hooks: list[CommitHook] = field(default_factory=list)
    prepare_hooks: list[PrepareHook] = field(default_factory=list)  # of two-phase parts
    recorded: set[str] = field(default_factory=set)  # tables whose changes all leave a decision
    observers: list[Observer] = field(default_factory=list)
    finish_later: FinishLater | None = None  # where either of the two options wants it
