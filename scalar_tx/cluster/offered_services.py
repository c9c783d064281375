"""Which functions do the names in ``scalar.db.node.services`` stand for?

A name is ``module:function``, or one that an installed package declares among the entry points
``scalar_tx.node_services``. The function takes a ``Host`` and returns handlers of gRPC. Where it
has an attribute ``namespaces``, those are its own: who calls the node's transactions directly
reaches none of them.
"""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import grpc

    from scalar_tx.cluster.host import Host

    Offer = Callable[[Host], Sequence[grpc.GenericRpcHandler]]

_GROUP: Final = "scalar_tx.node_services"


def offered(name: str) -> Offer:
    """The function of a name. SettingsError, STX-5008: it can't be imported."""
    module, _, function = _place(name).partition(":")
    try:
        found: Offer = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"scalar.db.node.services names {name}, which can't be imported: {error}",
            advice="Write module:function, of a module that this Python finds",
            code="STX-5008",
        ) from error
    return found


def namespaces_of(names: Iterable[str]) -> frozenset[str]:
    """The namespaces that belong to services of these names."""
    return frozenset(
        namespace for name in names for namespace in getattr(offered(name), "namespaces", ())
    )


def _place(name: str) -> str:
    if ":" in name:
        return name
    known = {one.name: one.value for one in entry_points(group=_GROUP)}
    if name not in known:
        raise SettingsError(
            f"scalar.db.node.services names {name}, which no installed package offers",
            advice=f"Offered are {', '.join(sorted(known)) or 'none'}; or write module:function",
            code="STX-5008",
        )
    return known[name]
