"""Does a storage keep its promises? The suite that every adapter passes.

It ships with the library so that an adapter written elsewhere is judged like our own. A test module
of the adapter names the storage and inherits the tests (pytest and hypothesis must be installed)::

    from scalar_tx.storage.conformance import StorageConformance, Subject

    class TestMyDatabase(StorageConformance):
        subject = Subject(open=lambda place: MyStorage(place.folder / "data"))

What the storage declares in ``StorageInfo`` and by ``objection()`` decides what is asked of it: the
atomicity unit decides which groups must apply together and which must be refused. What a database
can't do at all goes into ``Subject.unsupported`` and is then expected to be refused; a test that it
is known not to pass goes into ``Subject.exclusions`` with the reason and is then expected to fail,
so that no exclusion outlives its reason.
"""

from __future__ import annotations

import pytest

for _topic in (
    "administration", "alterations", "atomic_groups", "conditional_writes", "filters", "freshness",
    "gets",
    "index_scans", "key_order", "lab", "names", "overwrites", "paging", "page_changes",
    "partition_scans",
    "races", "reopening", "runners", "topic", "values", "whole_table_scans", "writes",
):  # fmt: skip
    pytest.register_assert_rewrite(f"{__name__}.{_topic}")

from scalar_tx.storage.conformance.record_unit import RecordUnitStorage  # noqa: E402
from scalar_tx.storage.conformance.runners import BlockingRunner, LoopRunner, Runner  # noqa: E402
from scalar_tx.storage.conformance.subject import Change, Place, Role, Subject  # noqa: E402
from scalar_tx.storage.conformance.suite import StorageConformance  # noqa: E402

__all__ = [
    "BlockingRunner",
    "Change",
    "LoopRunner",
    "Place",
    "RecordUnitStorage",
    "Role",
    "Runner",
    "StorageConformance",
    "Subject",
]
