"""Is a password, token or code ever seen in a log, an error or on record, and is all told?"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from tests.services.identity.world import ADA, ADMIN, BOB, World
from tests.services.stage import Refused

if TYPE_CHECKING:
    import pytest

FIRST, LATER, LAST, WRONG = (f"canary-{name}-7f3a9c51" for name in ("one", "two", "three", "wrong"))


class Seen:
    """Calls whose refusals are kept."""

    def __init__(self, calls: Any) -> None:
        self.calls = calls
        self.errors: list[str] = []

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            try:
                return getattr(self.calls, name)(**request)
            except Refused as refused:
                self.errors.append(f"{refused} {refused.metadata} {refused.field}")
                return None

        return call


def test_no_secret_is_seen(world: World, caplog: pytest.LogCaptureFixture) -> None:
    secrets = {"first": FIRST, "later": LATER, "last": LAST, "wrong": WRONG}
    with caplog.at_level(logging.DEBUG):
        nobody, admin = Seen(world.nobody), Seen(world.admin)
        for password in (FIRST[:11], "x" * 1025, FIRST):
            admin.RegisterUser(user_email=ADA, name="Ada", password=password)
        admin.RegisterUser(user_email=ADA, name="Ada", password=WRONG)
        nobody.Login(user_email=ADA, password=WRONG)
        nobody.Login(user_email=BOB, password=WRONG)
        tokens = nobody.Login(user_email=ADA, password=FIRST)
        ada = Seen(world.stage.with_token(tokens.access_token))
        ada.ChangePassword(old_password=WRONG, new_password=LATER)
        ada.ChangePassword(old_password=FIRST, new_password=LATER)
        again = nobody.Login(user_email=ADA, password=LATER)
        next_one = nobody.Refresh(refresh_token=again.refresh_token)
        for token in (again.refresh_token, next_one.access_token, tokens.refresh_token, WRONG):
            nobody.Refresh(refresh_token=token)
            Seen(world.stage.with_token(token)).GetUser(user_email=ADA)
        service = admin.CreateServiceToken(name="importer")
        refused = Seen(world.stage.with_token(service.token))
        refused.GetUser(user_email=ADA)
        admin.RevokeServiceToken(name="importer", token_id=service.token_id)
        refused.GetUser(user_email=ADA)
        code = world.code_for(ADA)
        wrong = "00000000" if code != "00000000" else "00000001"
        nobody.ResetPassword(user_email=ADA, code=wrong, new_password=LAST)
        nobody.ResetPassword(user_email=ADA, code=code, new_password=LAST)
        nobody.ResetPassword(user_email=ADA, code=code, new_password=LAST)
        admin.AssignRole(user_email=ADA, role="AUDIT_ADMIN")
        admin.RevokeRole(user_email=ADA, role="AUDIT_ADMIN")
        admin.UpdateUser(user_email=ADA, status="DISABLED")
        admin.DeleteUser(user_email=ADA)
        admin.Logout()
    for name, pair in {"tokens": tokens, "again": again, "next": next_one}.items():
        secrets[f"access of {name}"] = pair.access_token.rpartition(".")[2]
        secrets[f"refresh of {name}"] = pair.refresh_token.rpartition(".")[2]
    secrets["service"] = service.token.rpartition(".")[2]
    secrets["code"] = code
    errors = [one for seen in (nobody, admin, ada, refused) for one in seen.errors]
    assert len(errors) >= 10
    places = {
        "the log": caplog.text,
        "errors": "\n".join(errors),
        "on record": repr(world.contents()),
        "in sight": f"{tokens!r}"[:0] + f"{world.identity!r} {world.identity.access!r}",
    }
    hits = [
        f"{name} in {place}"
        for place, text in places.items()
        for name, secret in secrets.items()
        if secret in text
    ]
    assert hits == []
    assert _events(caplog) >= {
        "log-in done",
        "log-in refused",
        "log-out done",
        "refresh done",
        "refresh refused",
        "token done",
        "token refused",
        "create-user done",
        "change-user done",
        "drop-user done",
        "password done",
        "password refused",
        "grant-role done",
        "revoke-role done",
    }


def _events(caplog: pytest.LogCaptureFixture) -> set[str]:
    lines = [one.getMessage() for one in caplog.records if one.name == "scalar_tx.security"]
    assert any(f'subject="{ADA}"' in line for line in lines)
    assert any(f'user="{ADMIN}"' in line for line in lines)
    found = set()
    for line in lines:
        event = re.fullmatch(
            r'event=(\S+) user="\S*" subject="\S*" result=(\S+) peer="\S*" detail=".*"', line
        )
        assert event is not None, line
        found.add(" ".join(event.groups()))
    return found


def test_a_refused_try_is_told_with_who_it_was_for(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.register(ADA)
    with caplog.at_level(logging.INFO):
        Seen(world.nobody).Login(user_email=ADA, password=WRONG)
    line = next(one.getMessage() for one in caplog.records if one.name == "scalar_tx.security")
    assert line.startswith(f'event=log-in user="" subject="{ADA}" result=refused peer="ipv4:')
    assert line.endswith('detail="wrong password"')
