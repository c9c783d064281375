"""Which mutations may share one atomic write?

Mutations are gathered by the unit that their storage changes atomically, in first-seen order, and
each gathering is cut at the storage's largest batch (Consensus Commit specification 4.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.storage.interface import unit_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.storage.interface import Storage, StorageMutation


def atomic_groups(
    storage: Storage, mutations: Sequence[StorageMutation]
) -> list[list[StorageMutation]]:
    """Divide mutations into batches, each of which is one ``mutate``."""
    if len(mutations) == 1:
        return [list(mutations)]
    groups: dict[tuple[object, ...], list[list[StorageMutation]]] = {}
    for mutation in mutations:
        info = storage.info(mutation.table.name)
        batches = groups.setdefault(unit_key(mutation, info), [[]])
        if len(batches[-1]) >= info.max_mutations:
            batches.append([])
        batches[-1].append(mutation)
    return [batch for batches in groups.values() for batch in batches]
