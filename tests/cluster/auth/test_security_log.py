"""What stands in the log, and what never does?"""

from __future__ import annotations

import gc
import json
import logging
import re
from typing import TYPE_CHECKING

import pytest

from scalar_tx import ScalarTxError
from scalar_tx.cluster.auth.permissions import check_table
from scalar_tx.cluster.auth.privileges import Privilege
from scalar_tx.cluster.auth.security_log import Caller, Event, Result, quoted, tell
from scalar_tx.cluster.auth.subjects import user_subject
from tests.cluster.auth.world import LINE, ORDERS, PASSWORD, world

if TYPE_CHECKING:
    from collections.abc import Awaitable

FORGED = 'ada"\nevent=grant user="admin" subject="eve" result=done peer="" detail="everything'


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, str]]:
    found = []
    for record in caplog.records:
        if record.name == "scalar_tx.security":
            matched = LINE.fullmatch(record.getMessage())
            assert matched, record.getMessage()
            found.append({name: value.strip('"') for name, value in matched.groupdict().items()})
    return found


async def test_what_is_told(target: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "scalar_tx.security")
    async with world(target) as here:
        by = Caller("root", "ipv4:192.0.2.7:4711")
        await here.principals.users.create("ada", PASSWORD, by=by)
        await here.principals.grants.grant(user_subject("ada"), ["SELECT"], ORDERS, by=by)
        pair = await here.authenticator.log_in("ada", PASSWORD, peer="there")
        with pytest.raises(ScalarTxError):
            await here.authenticator.log_in("ada", "a wrong password", peer="there")
        with pytest.raises(ScalarTxError):
            await here.authenticator.log_in("nobody", PASSWORD, peer="there")
        ada = await here.authenticator.authenticate(pair.access)
        with pytest.raises(ScalarTxError):
            check_table(ada, Privilege.DROP, ORDERS, peer="there")
        await here.authenticator.refresh(pair.refresh, peer="there")
        with pytest.raises(ScalarTxError):
            await here.authenticator.refresh(pair.refresh, peer="elsewhere")
        tell(Event.SETTLE, by, subject="a transaction")
        tell(Event.PAUSE, by, result=Result.REFUSED)
    told = [tuple(line.values()) for line in lines(caplog)]
    there = "ipv4:192.0.2.7:4711"
    assert told == [
        ("create-user", "root", "ada", "done", there, ""),
        ("grant", "root", "user:ada", "done", there, "SELECT on shop.orders"),
        ("log-in", "ada", "", "done", "there", ""),
        ("log-in", "ada", "", "refused", "there", "wrong password"),
        ("log-in", "nobody", "", "refused", "there", "there is no such user"),
        ("use", "ada", "shop.orders", "refused", "there", "DROP on shop.orders"),
        ("refresh", "ada", "", "done", "there", ""),
        ("refresh", "ada", "", "refused", "elsewhere", "used twice: the log-in is ended"),
        ("settle", "root", "a transaction", "done", there, ""),
        ("pause", "root", "", "refused", there, ""),
    ]
    levels = {record.levelname for record in caplog.records if "refused" in record.getMessage()}
    assert levels == {"WARNING"}


async def test_nobody_forges_a_line(target: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "scalar_tx.security")
    names = [FORGED, "a\rb", "a\u2028b", "\x1b[2J", "\x7f\x85", "half \ud800", "\\", "a" * 9999]
    async with world(target) as here:
        for name in names:
            with pytest.raises(ScalarTxError):
                await here.authenticator.log_in(name, PASSWORD, peer=name)
    records = [one.getMessage() for one in caplog.records if one.name == "scalar_tx.security"]
    assert len(records) == len(lines(caplog)) == len(names)
    for text, name in zip(records, names, strict=True):
        assert text.isascii()
        assert text.isprintable()
        assert text.startswith("event=log-in user=")
        assert len(text) < 6 * 2 * 300
        user = LINE.fullmatch(text)["user"]  # type: ignore[index]
        assert json.loads(user).rstrip("…") == name[:256]


def test_a_word_of_it() -> None:
    assert quoted('a "b"\n') == r'"a \"b\"\n"'
    assert quoted("\x7f") == r'"\u007f"'
    assert re.fullmatch(r'"a{256}\\u2026"', quoted("a" * 300))


async def test_no_secret_is_anywhere(target: str, caplog: pytest.LogCaptureFixture) -> None:
    """Everything that was logged, every error, and how every object of ours prints itself."""
    caplog.set_level(logging.DEBUG)
    passwords = ["canary 1 canary 1", "canary 2 canary 2", "canary 3 canary 3", "c4n4ry"]
    secrets = list(passwords)
    seen: list[str] = []

    async def fails(call: Awaitable[object]) -> None:
        with pytest.raises(ScalarTxError) as caught:
            await call
        error: BaseException | None = caught.value
        while error is not None:
            seen.extend((str(error), repr(error), repr(error.args), repr(vars(error))))
            error = error.__cause__ or error.__context__

    async with world(target) as here:
        users, door = here.principals.users, here.authenticator
        bootstrap = await here.principals.bootstrap()
        assert bootstrap is not None
        secrets.append(bootstrap)
        await users.create("ada", passwords[0])
        await fails(users.create("ada", passwords[1]))
        await fails(users.create("bob", passwords[3]))
        pair = await door.log_in("ada", passwords[0])
        await fails(door.log_in("ada", passwords[1]))
        await fails(door.log_in("nobody", passwords[1]))
        await fails(door.log_in("ada", passwords[3]))
        await fails(door.log_in("ada", passwords[2] + "\ud800"))
        ada = await door.authenticate(pair.access)
        with pytest.raises(ScalarTxError) as caught:
            check_table(ada, Privilege.DROP, ORDERS)
        seen.append(str(caught.value))
        again = await door.refresh(pair.refresh)
        await fails(door.refresh(pair.refresh))
        await fails(door.authenticate(again.access))
        await fails(door.authenticate(again.refresh))
        await fails(door.authenticate(again.access + "x"))
        await door.change_password("ada", passwords[0], passwords[2])
        last = await door.log_in("ada", passwords[2])
        for one in (pair, again, last):
            secrets.extend((one.access, one.refresh))
        await here.principals.forget_dead_tokens()
        held = [
            one
            for one in gc.get_objects()
            if str(type(one).__module__).startswith("scalar_tx.")
            or issubclass(type(one), ScalarTxError)
        ]
        seen.extend(repr(one) for one in (*held, here, ada, last, await users.all()))
        rows = await here.db.scan("scalar_tx.node_token", whole_table=True)
        rows += await here.db.scan("scalar_tx.node_token_of", {"owner": "ada"})
        rows += await here.db.scan("scalar_tx.node_user", {"realm": "node"})
        assert rows
        seen.extend(map(repr, rows))
    logged = [one.getMessage() + repr(one.args) + str(one.exc_text) for one in caplog.records]
    assert len(logged) > 10
    assert len(held) > 100
    text = "\n".join(seen + logged)
    assert [secret for secret in secrets if secret in text] == []
