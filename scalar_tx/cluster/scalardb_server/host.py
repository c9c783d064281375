"""What do the services of one listener share?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from scalar_tx.cluster.gate import Gate
    from scalar_tx.cluster.scalardb_server.database import Database
    from scalar_tx.cluster.sessions import Sessions

LARGEST_ANSWER: Final = 4 * 1024 * 1024  # bytes; what clients accept unless they are told otherwise
ELEMENTS: Final = 10_000  # operations of one request, unless a node's settings say otherwise
NOBODY: Final = ""  # whose transactions they are: nobody logs in here


@dataclass(frozen=True, slots=True)
class Host:
    """The parts of a worker that serve clients of ScalarDB Server.

    ``largest_answer``: how many bytes a message may have that a client is sent.
    """

    database: Database
    gate: Gate
    sessions: Sessions
    largest_answer: int = LARGEST_ANSWER
