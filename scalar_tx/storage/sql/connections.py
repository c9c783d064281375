"""What do the shared reads, writes and definitions need of a database's connections?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
Cells: TypeAlias = "tuple[Any, ...]"
Statement: TypeAlias = "tuple[str, Sequence[object]]"  # its text and its parameters


class Reader(Protocol):
    """Anything that runs a SELECT."""

    def __call__(self, text: str, parameters: Sequence[object] = (), /) -> list[Cells]:
        """All its rows."""
        ...


class Session(Protocol):
    """A running database transaction."""

    def rows(self, text: str, parameters: Sequence[object] = ()) -> list[Cells]:
        """All rows of one SELECT."""
        ...

    def count(self, text: str, parameters: Sequence[object] = ()) -> int:
        """Run one INSERT, UPDATE or DELETE; how many rows were concerned?"""
        ...

    def counts(self, statements: Sequence[Statement]) -> list[int]:
        """``count`` of several, one after the other, sent together."""
        ...

    def define(self, text: str) -> None:
        """Run one definition; the transaction goes on, or anew."""
        ...


class Held(Protocol):
    """A connection whose reads all see the database as it was at one moment."""

    def read(self, text: str, parameters: Sequence[object] = ()) -> list[Cells]:
        """All rows of one SELECT."""
        ...

    def close(self) -> None:
        """Give the connection back; may be called twice."""
        ...


class Connections(Protocol):
    """Those of one database, each used by one thread at a time. The calls block."""

    @property
    def place(self) -> str:
        """The database, as messages name it."""
        ...

    def read(self, text: str, parameters: Sequence[object] = ()) -> list[Cells]:
        """All rows of one SELECT."""
        ...

    def write(self, text: str, parameters: Sequence[object] = ()) -> int:
        """Run one INSERT, UPDATE or DELETE in autocommit; how many rows were concerned?"""
        ...

    def transaction(self, steps: Callable[[Session], T], *, keep: bool = True) -> T:
        """Run steps and commit them together; an error undoes all of them.

        ``keep`` False: after an error the connection is closed, and with it go its locks.
        """
        ...

    def moment(self) -> Held:
        """A connection for several reads of one moment; close it soon."""
        ...

    def close(self) -> None:
        """Close what lies in the pool; connections in use are closed when they come back."""
        ...
