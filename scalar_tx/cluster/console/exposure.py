"""To whom is the console shown at all, before anybody asks who they are?"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aiohttp import web

    from scalar_tx.settings import NodeSettings

# What a proxy adds: whoever sent the request is not the one whose address is seen.
_FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")


def why_not(request: web.Request, node: NodeSettings) -> str | None:
    """Why this request sees no console; None: it does.

    A connection within this machine is known by its own addresses, so that a node that listens on
    all of them shows its console through ``kubectl port-forward``, or over SSH. Where nobody logs
    in, the name that the browser took for this machine counts as well: a foreign page whose name
    was made to mean 127.0.0.1 would otherwise read everything.
    """
    here = _is_here(request)
    if not node.asks_who_calls:
        if not here or any(name in request.headers for name in _FORWARDED):
            return "this node asks nobody to log in: its console is for browsers on its own machine"
        if request.url.host not in _LOOPBACK_NAMES:
            return "this node asks nobody to log in: open its console as http://127.0.0.1"
        return None
    if here or request.secure or node.insecure:
        return None
    return (
        "passwords and records would be read on their way: open the console over TLS "
        "(scalar.db.node.http_tls=true), or through kubectl port-forward or ssh -L"
    )


def _is_here(request: web.Request) -> bool:
    transport = request.transport
    if transport is None:
        return False
    ends = (transport.get_extra_info("sockname"), transport.get_extra_info("peername"))
    return all(end is not None and _is_loopback(str(end[0])) for end in ends)


def _is_loopback(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
