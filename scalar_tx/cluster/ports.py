"""Which port numbers has a node, unless it is told others? (Operators' expectations 1)"""

from __future__ import annotations

from typing import Final

SCALARDB_SERVER: Final = 60051  # the open protocol of ScalarDB Server; off unless asked for
NODE: Final = 60053
ADMIN: Final = 60054  # pause and unpause; loopback only, unless it is told otherwise
HTTP: Final = 8080

# Kept free for parts of a node that are not there yet.
RAFT: Final = 60056
REGIONS: Final = 60057
