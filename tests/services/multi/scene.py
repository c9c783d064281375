"""The five services over both databases, people who log in for real, and rows as they lie there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from scalar_auditor.check import check
from scalar_auditor.client import AuditorClient, connect
from scalar_auditor.identity.first_admin import make_first_admin
from scalar_auditor.identity.serving import Identity
from scalar_tx.connection import parts_of
from tests.services.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_auditor.keys import KeyRing
    from scalar_auditor.parts import Access
    from scalar_tx.manager_async import AsyncTransactionManager

PASSWORD = "a password that is long enough"


class Scene:
    """All five, in this process, behind a real server, and their clients."""

    def __init__(self, target: Path, admin: str) -> None:
        self._identity: Identity
        self.stage = Stage(str(target), access=self._access, more=self._parts_of)
        self._clients: list[AuditorClient] = []
        password = self.stage.run(make_first_admin(self.stage.manager, admin))
        self.admin = self.client(email=admin, password=password)

    def _access(self, manager: AsyncTransactionManager, keys: KeyRing) -> Access:
        self._identity = Identity(manager)
        return self._identity.access

    def _parts_of(self, name: str) -> tuple[Any, ...]:
        return (self._identity,) if name == "identity" else ()

    def client(self, **who: Any) -> AuditorClient:
        """A client with those credentials."""
        client = connect(f"grpc://127.0.0.1:{self.stage.port}", **who)
        self._clients.append(client)
        return client

    def register(self, email: str, *roles: str, org_id: str = "") -> AuditorClient:
        """A new account, and its client."""
        self.admin.identity.register_user(
            user_email=email,
            name=email.partition("@")[0],
            password=PASSWORD,
            org_id=org_id,
            roles=roles,
        )
        return self.client(email=email, password=PASSWORD)

    def stored(self, table: str, *key: Any) -> dict[str, Any]:
        """A row as it lies there, with what transactions know of it."""

        async def read() -> Any:
            parts = parts_of(self.stage.manager)
            stored = (await parts.context.catalog.table(table)).stored
            return await parts.storage.get(stored, key)

        row = self.stage.run(read())
        assert row is not None, (table, key)
        return dict(row)

    def findings(self) -> dict[str, list[str]]:
        """What ``scalar-auditor check`` finds, of services where there is anything."""
        found = self.stage.run(check(self.stage.manager, self.stage.keys))
        return {name: one.texts for name, one in found.items() if one.count}

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.stage.run(self._identity.close())
        self.stage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
