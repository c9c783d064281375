"""Which calls of a storage fail, and how? Told where somebody counts; else calls pass through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from scalar_tx.consensus_commit.meter import Meter, installed, tell
from scalar_tx.errors import (
    ReplyLostError,
    ScalarTxError,
    SchemaError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.admin import StorageAdmin
    from scalar_tx.storage.interface import (
        Answer,
        BatchStorage,
        MomentStorage,
        Pages,
        Reads,
        ScanRequest,
        Storage,
        StorageInfo,
        StorageMutation,
    )

T = TypeVar("T")

UNAVAILABLE: Final = "unavailable"  # nothing was done
TIMEOUT: Final = "timeout"  # the reply to a write was lost: it may have taken effect
REFUSED: Final = "refused"  # throttled, or locked by somebody else; nothing changed
OTHER: Final = "other"
KINDS: Final = (UNAVAILABLE, TIMEOUT, REFUSED, OTHER)


def kind_of(error: BaseException) -> str | None:
    """What a storage's error counts as; None: as none.

    That the condition of a write is not met is an answer, and a wrong request its sender's error.
    """
    match error:
        case StorageUnavailableError():
            return UNAVAILABLE
        case ReplyLostError():
            return TIMEOUT
        case StorageBusyError():
            return REFUSED
        case WriteRefusedError():
            return None
        case SchemaError():
            return OTHER
        case ScalarTxError():
            return None
        case Exception():
            return OTHER
    return None  # broken off


class WatchedStorage:
    """A storage that tells of its errors."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.info: Callable[[str], StorageInfo] = storage.info

    @property
    def admin(self) -> StorageAdmin:
        """Namespaces, tables and indexes; not watched."""
        return self._storage.admin

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        """Why the storage can't hold a value."""
        return self._storage.objection(table, data_type, value, in_key=in_key)

    def get(self, table: Table, key: tuple[Value, ...]) -> Coroutine[Any, Any, Row | None]:
        """Read one record."""
        return self._watched(table.name, self._storage.get(table, key))

    def get_many(
        self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]
    ) -> Coroutine[Any, Any, list[Answer]]:
        """Read several records."""
        answers = cast("BatchStorage", self._storage).get_many(wanted)  # its info said so
        if not installed():
            return answers
        return self._of_many(wanted[0][0].name, answers)

    async def _of_many(self, table: str, steps: Coroutine[Any, Any, list[Answer]]) -> list[Answer]:
        answers = await self._watched(table, steps)
        for answer in answers:
            if isinstance(answer, Exception):
                self._tell(table, answer)
        return answers

    def scan(self, request: ScanRequest) -> Pages:
        """Begin a scan."""
        pages = self._storage.scan(request)
        return _WatchedPages(self, request.table.name, pages) if installed() else pages

    def mutate(self, mutations: Sequence[StorageMutation]) -> Coroutine[Any, Any, None]:
        """Apply all mutations atomically, or none."""
        return self._watched(mutations[0].table.name, self._storage.mutate(mutations))

    def at_one_moment(
        self, table: str, steps: Callable[[Reads], Awaitable[None]]
    ) -> Coroutine[Any, Any, None]:
        """Run steps over the storage as it is at one moment."""
        moments = cast("MomentStorage", self._storage)  # its info said so
        return self._watched(table, moments.at_one_moment(table, steps))

    async def close(self) -> None:
        """Let go of all connections."""
        await self._storage.close()

    def _watched(self, table: str, steps: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        return self.told(table, steps) if installed() else steps

    async def told(self, table: str, steps: Coroutine[Any, Any, T]) -> T:
        """Wait for a call, and tell of its error."""
        try:
            return await steps
        except Exception as error:
            self._tell(table, error)
            raise

    def _tell(self, table: str, error: Exception) -> None:
        kind = kind_of(error)
        if kind is not None:
            tell(Meter.storage_failed, self.info(table).name, kind)


class _WatchedPages:
    """A running scan."""

    def __init__(self, storage: WatchedStorage, table: str, pages: Pages) -> None:
        self._storage = storage
        self._table = table
        self._pages = pages

    async def next_page(self) -> Sequence[Row] | None:
        """The next rows."""
        return await self._storage.told(self._table, self._pages.next_page())

    async def close(self) -> None:
        """Let go of what the scan holds."""
        await self._pages.close()
