"""Which tables does the Java server refuse in words of its own?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.refusals import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable


def check_table(message: rpc.TableMetadata) -> None:
    """RefusedError if that can't be a table."""
    check_types(message.columns.values())
    if not message.columns:
        raise invalid("CORE-10038: One or more columns must be specified.")
    if not message.partition_key_names:
        raise invalid("CORE-10039: One or more partition keys must be specified.")


def check_types(numbers: Iterable[int]) -> None:
    """RefusedError if one is no number of a column type."""
    if not set(numbers) <= set(rpc.DataType.values()):
        raise invalid("The data type is unrecognized")
