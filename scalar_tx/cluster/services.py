"""Which gRPC services does a worker offer?

A further one is a function that takes a ``Host`` and returns handlers: named here, or in
``scalar.db.node.services`` as ``module:function``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import grpc

    from scalar_tx.cluster.host import Host

    Offer = Callable[[Host], Sequence[grpc.GenericRpcHandler]]

# The node's own services, and those of the open protocol on the listener of its own.
_OWN: tuple[Offer, ...] = ()
_SCALARDB_SERVER: tuple[Offer, ...] = ()


def handlers(host: Host) -> list[grpc.GenericRpcHandler]:
    """What is offered on the node's port. SettingsError: a service that is named is not there."""
    offers = (*_OWN, *(_named(name) for name in host.node.services))
    return [host.health.services(), *(one for offer in offers for one in offer(host))]


def scalardb_handlers(host: Host) -> list[grpc.GenericRpcHandler]:
    """What is offered on the port of the open protocol (ScalarDB Server's protocol 3)."""
    return [host.health.services(), *(one for offer in _SCALARDB_SERVER for one in offer(host))]


def _named(name: str) -> Offer:
    module, _, function = name.partition(":")
    try:
        found: Offer = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"scalar.db.node.services names {name}, which can't be imported: {error}",
            advice="Write module:function, of a module that this Python finds",
            code="STX-5008",
        ) from error
    return found
