"""Turns that take a moment, on as little of TPC-C as all its transactions need."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from bench.beside.our_clients import Orders
from bench.beside.tpcc_tables import Scale
from bench.beside.turns import Effort

if TYPE_CHECKING:
    from collections.abc import Mapping

SMALL: Final = Scale(items=60, customers=20, item_a=15, customer_a=7, name_a=7)
MOMENT: Final = Effort(pairs=2, seconds=0.5, warm_up=0.3, scale=SMALL)


def orders(properties: Mapping[str, str], workload: str, clients: int) -> Orders:
    """What a process is to do for a moment."""
    return Orders(
        properties=properties,
        workload=workload,
        clients=clients,
        seed=1,
        warm_up=0.1,
        seconds=0.5,
        scale=asdict(SMALL),
    )
