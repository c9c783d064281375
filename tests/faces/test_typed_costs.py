"""Does an operation on a class ask more of a database, or of a node, than one on a table's name?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import scalar_tx
from scalar_tx.cluster.client.remote_administration import RemoteAdministration
from scalar_tx.cluster.node_server.transact import Stream
from scalar_tx.connection import parts_of
from scalar_tx.storage.memory import MemoryStorage
from tests.cluster.served import Served
from tests.faces.tables import ACCOUNT
from tests.faces.typed_classes import Account

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

COLUMNS = {"id": "INT", "owner": "TEXT", "balance": "BIGINT"}


def by_class(db: Any) -> None:
    with db.transaction() as tx:
        found = tx.get(Account, {"id": 1})
        tx.update(found)
        tx.insert(Account(2, None, 2))
    db.scan(Account, {"id": 2})
    db.delete(Account(2, None, 2))


def by_name(db: Any) -> None:
    with db.transaction() as tx:
        found = dict(tx.get(ACCOUNT, {"id": 1}))
        tx.update(ACCOUNT, {"id": found.pop("id")}, found)
        tx.insert(ACCOUNT, {"id": 2, "owner": None, "balance": 2})
    db.scan(ACCOUNT, {"id": 2})
    db.delete(ACCOUNT, {"id": 2})


def counted(monkeypatch: pytest.MonkeyPatch, places: list[tuple[Any, str]]) -> list[str]:
    """The names of these methods, as they are called from now on."""
    calls: list[str] = []
    for kind, name in places:
        method = getattr(kind, name)

        def told(self: Any, *how: Any, _call: Callable[..., Any] = method, **more: Any) -> Any:
            calls.append(_call.__qualname__)
            return _call(self, *how, **more)

        monkeypatch.setattr(kind, name, told)
    return calls


def asked(work: Callable[[Any], None], url: str, calls: list[str]) -> list[str]:
    """What work asks for, in a manager that has used nothing before."""
    with scalar_tx.connect(url) as db:
        if not url.startswith("grpc"):
            db.admin.create_table(ACCOUNT, columns=COLUMNS, partition_key=["id"])
        db.upsert(ACCOUNT, {"id": 1, "owner": "me", "balance": 1})
        calls.clear()
        work(db)
    return list(calls)


def test_a_storage_is_asked_for_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    with scalar_tx.connect("memory://") as db:
        admin = type(parts_of(db).storage.admin)
    places = [(MemoryStorage, name) for name in ("get", "scan", "mutate")]
    calls = counted(monkeypatch, [*places, (admin, "table")])
    found = asked(by_class, "memory://", calls)
    assert found == asked(by_name, "memory://", calls)
    assert "MemoryStorage.mutate" in found


def test_a_node_is_asked_once_what_the_table_is_like(monkeypatch: pytest.MonkeyPatch) -> None:
    served = Served("memory://")
    try:
        with scalar_tx.connect(served.url) as db:
            db.admin.create_table(ACCOUNT, columns=COLUMNS, partition_key=["id"])
        calls = counted(monkeypatch, [(Stream, "answer")])
        found = asked(by_class, served.url, calls)
        assert found == asked(by_name, served.url, calls)
        assert found
        described = counted(monkeypatch, [(RemoteAdministration, "table")])
        with scalar_tx.connect(served.url) as db:
            for _ in range(3):
                assert db.get(Account, {"id": 1}) == Account(1, "me", 1)
                by_class(db)
        assert len(described) == 1
    finally:
        served.close()
