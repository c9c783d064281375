"""Which functions does a node call to offer the services? (``scalar-tx node --services …``)"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor.parts import auditor_of
from scalar_auditor.serving import handler

if TYPE_CHECKING:
    from collections.abc import Sequence

    import grpc

    from scalar_auditor.parts import Auditor
    from scalar_tx.cluster.host import Host

NAMES: Final = ("audit", "verification", "event", "item", "identity")


def served(name: str, auditor: Auditor, *more: Any) -> grpc.GenericRpcHandler:
    """The handler of one service, over what a worker shares."""
    api = importlib.import_module(f"scalar_auditor.{name}.api")
    messages = importlib.import_module(f"scalar_auditor.rpc.v1.{name}_pb2")
    described = messages.DESCRIPTOR.services_by_name[f"{name.capitalize()}Service"]
    return handler(auditor, described, api.Api(auditor, *more).methods())


class _Offer:
    """Offers one service to a node."""

    # Of all five, whichever of them this node offers: what is behind the others is theirs, on
    # whatever node they are.
    namespaces = NAMES

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, host: Host) -> Sequence[grpc.GenericRpcHandler]:
        more: tuple[Any, ...] = ()
        if self._name == "identity":
            from scalar_auditor.identity.serving import identity_of

            more = (host.kept(identity_of),)
        return [served(self._name, host.kept(auditor_of), *more)]


audit: Final = _Offer("audit")
verification: Final = _Offer("verification")
event: Final = _Offer("event")
item: Final = _Offer("item")
identity: Final = _Offer("identity")
