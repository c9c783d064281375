"""What is a process of clients told?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.beside.our_side import Timetable

if TYPE_CHECKING:
    from collections.abc import Mapping

WORKLOAD: Final = "ycsb-f-1"


@dataclass(frozen=True, kw_only=True)
class Orders(Timetable):
    """The way that clients go, and whether as tasks; ``target``: where, as ``connect`` takes it.

    ``workers``: how many the server has, each of which is to have a connection.
    """

    way: str
    tasks: bool
    target: str | Mapping[str, str]
    records: int
    workers: int
