"""All topics of the suite in one class."""

from __future__ import annotations

from scalar_tx.storage.conformance.administration import Administration
from scalar_tx.storage.conformance.alterations import Alterations
from scalar_tx.storage.conformance.atomic_groups import AtomicGroups
from scalar_tx.storage.conformance.batch_gets import BatchGets
from scalar_tx.storage.conformance.conditional_writes import ConditionalWrites
from scalar_tx.storage.conformance.filters import Filters
from scalar_tx.storage.conformance.freshness import Freshness
from scalar_tx.storage.conformance.gets import Gets
from scalar_tx.storage.conformance.index_scans import IndexScans
from scalar_tx.storage.conformance.key_order import KeyOrder
from scalar_tx.storage.conformance.names import Names
from scalar_tx.storage.conformance.overwrites import Overwrites
from scalar_tx.storage.conformance.page_changes import PageChanges
from scalar_tx.storage.conformance.paging import Paging
from scalar_tx.storage.conformance.partition_scans import PartitionScans
from scalar_tx.storage.conformance.races import Races
from scalar_tx.storage.conformance.reopening import Reopening
from scalar_tx.storage.conformance.values import Values
from scalar_tx.storage.conformance.whole_table_scans import WholeTableScans
from scalar_tx.storage.conformance.writes import Writes


class StorageConformance(
    Gets,
    BatchGets,
    Writes,
    ConditionalWrites,
    AtomicGroups,
    Overwrites,
    Values,
    KeyOrder,
    PartitionScans,
    Paging,
    PageChanges,
    WholeTableScans,
    IndexScans,
    Filters,
    Races,
    Freshness,
    Reopening,
    Administration,
    Alterations,
    Names,
):
    """Every promise of ``storage/interface.py``; a subclass says of which storage."""
