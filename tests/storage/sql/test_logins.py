"""Who may come in?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.storage.sql.stage import KINDS, opened, run

if TYPE_CHECKING:
    from tests.servers import Cluster


@pytest.mark.servers(*KINDS)
@pytest.mark.parametrize("password", ["\u00e9t\u00e9", "\u5bc6\u7801"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_password_may_have_any_letters(
    kind: str, password: str, request: pytest.FixtureRequest
) -> None:
    server: Cluster = request.getfixturevalue(f"{kind}_server")
    owner = opened(kind, server.properties())
    if kind == "mysql":
        owner.pool.write(f"CREATE USER letters@'127.0.0.1' IDENTIFIED BY '{password}'")
        owner.pool.write("GRANT SELECT ON *.* TO letters@'127.0.0.1'")
    else:
        owner.pool.write(f"CREATE ROLE letters LOGIN PASSWORD '{password}'")
    known = {"scalar.db.username": "letters", "scalar.db.password": password}
    storage = opened(kind, {**server.properties(), **known})
    try:
        assert storage.pool.read("SELECT 1") == [(1,)]
    finally:
        run(storage.close())
        user = "letters@'127.0.0.1'" if kind == "mysql" else "letters"
        owner.pool.write(f"DROP {'USER' if kind == 'mysql' else 'ROLE'} {user}")
        run(owner.close())
