"""What does the pool need of a server's driver?"""

from __future__ import annotations

from typing import Protocol

from scalar_tx.storage.sql.connections import Session


class Wire(Session, Protocol):
    """One connection of a driver. Whatever it raises of ``Driver.errors`` is unexplained."""

    @property
    def defining(self) -> bool:
        """Was a definition sent since ``begin`` that commits by itself?"""
        ...

    @property
    def defined(self) -> bool:
        """Did one take effect?"""
        ...

    def begin(self) -> None:
        """Begin a transaction, now or with the first statement."""
        ...

    def begin_moment(self) -> None:
        """Begin a transaction whose reads all see the moment of the first of them."""
        ...

    def commit(self) -> None:
        """Commit it."""
        ...

    def rollback(self) -> None:
        """Undo it."""
        ...

    def is_fit(self) -> bool:
        """Is it still open, with nothing unasked for arrived, as far as can be told locally?"""
        ...

    def close(self) -> None:
        """Close it without waiting for anybody."""
        ...

    def leave_to_parent(self) -> None:
        """After a fork, in the child: close the descriptor, and say nothing to the server.

        The parent goes on with the connection. Were it open here too, the server would not hear of
        the parent's end, and would keep the locks. The object is not used afterwards.
        """
        ...


class Driver(Protocol):
    """What opens connections and explains their errors."""

    errors: tuple[type[Exception], ...]

    @property
    def place(self) -> str:
        """The database, as messages name it."""
        ...

    def open(self) -> Wire:
        """A new connection in autocommit; StorageUnavailableError if there is none to be had."""
        ...

    def explained(self, error: Exception, *, at_commit: bool) -> Exception:
        """The error to raise for one of ``errors``."""
        ...

    def is_demotion(self, error: Exception) -> bool:
        """Does an error say that the server takes no writes, as one that was the primary once?"""
        ...
