"""From where does somebody guess? What tries at passwords and codes are counted by.

By address, of IPv6 by the 64 bits that one customer has. So a stranger's wrong tries make nobody
wait who logs in from elsewhere; behind a proxy all have one address, and wait for one another.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from scalar_auditor.permissions import Caller

_PEER: Final = re.compile(r"ipv[46]:\[?([0-9a-fA-F.:]+)(?:%[^\]]*)?\]?:[0-9]+")
_OF_A_CUSTOMER: Final = 64  # bits


def address_of(caller: Caller) -> str:
    """The address, or the network, that a call came from; nothing, where it has none."""
    return _address_in(caller.peer)


@lru_cache(maxsize=1024)  # whoever guesses stays on one connection for many guesses
def _address_in(peer: str) -> str:
    form = _PEER.fullmatch(unquote(peer))
    if form is None:
        return ""
    try:
        address = ipaddress.ip_address(form[1])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _OF_A_CUSTOMER), strict=False))


def tries_of(user_email: str, caller: Caller) -> str:
    """The name under which tries of one person from one address are counted."""
    return f"{user_email} {address_of(caller)}"  # no e-mail has a blank
