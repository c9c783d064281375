"""How does a program use the databases of a node as if they were its own?

``open_blocking`` and ``open_async`` are what ``connection`` has for databases: a manager is given
one or the other and is the same manager. ``directory`` knows where nodes are, ``channels`` the
connections to them, ``remote_steps`` is one transaction, ``backend`` puts it together.
"""

from __future__ import annotations

from scalar_tx.cluster.client.opening import open_async, open_blocking

__all__ = ["open_async", "open_blocking"]
