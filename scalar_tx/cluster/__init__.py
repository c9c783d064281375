"""How do programs on other machines take part? By a node that they call, over gRPC.

A node speaks the open protocol of ScalarDB Server, so that an unmodified Java client of the
releases 3.1 to 3.13 works with it.
"""

from __future__ import annotations

import os

# What its core has to say of connections that come and go is no news to a program's reader.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
