"""Who is let into the console, how is it told apart from others, and what lets them out?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.cluster.auth.refusals import NotAuthenticatedError
from scalar_tx.cluster.console import browsers
from tests.cluster.console.site import NOBODY, PASSWORD, READER, ROOT, TABLE

if TYPE_CHECKING:
    from tests.cluster.console.site import Answer, Browser, Site

READS = ("overview", "tables", "storages", f"stuck?table={TABLE}")


def cookie(answer: Answer) -> str:
    return answer.headers["Set-Cookie"]


@pytest.mark.parametrize("path", READS)
def test_whoever_has_not_logged_in_sees_nothing(site: Site, path: str) -> None:
    stranger = site.browser()
    answer = stranger.get(path)
    assert (answer.status, list(answer.data)) == (401, ["error"])
    session = stranger.get("session").data
    assert (session["user"], session["asks"]) == (None, True)
    stranger.csrf = session["csrf"]
    assert stranger.post("settle", {"table": TABLE, "key": ""}).status == 401


def test_a_log_in_gives_a_new_name_and_never_a_token(site: Site) -> None:
    browser = site.browser()
    before = browser.get("session")
    named = cookie(before)
    assert re.fullmatch(
        r"scalar_tx_console_\d+=[\w-]{43}; HttpOnly; Path=/console; SameSite=Strict", named
    )
    answer = browser.log_in(ROOT)
    assert answer.status == 200
    assert cookie(answer) != named
    assert browser.get("session").data["user"] == ROOT
    assert all(browser.get(path).status == 200 for path in READS)
    assert not any("stx_" in text or PASSWORD in text for text in browser.seen)


def test_a_name_from_before_the_log_in_is_good_for_nothing_after_it(site: Site) -> None:
    browser = site.browser()
    browser.get("session")
    planted = dict(browser.cookies)
    browser.log_in(ROOT)
    other = site.browser()
    other.cookies = planted
    assert other.get("overview").status == 401


def test_a_wrong_password_and_a_wrong_name_are_answered_alike(site: Site) -> None:
    wrong, unknown = site.browser().log_in(READER, "x" * 12), site.browser().log_in("who", "x" * 12)
    assert (wrong.status, wrong.data) == (unknown.status, unknown.data)
    assert wrong.status == 401


def test_wrong_passwords_are_slowed_down(site: Site) -> None:
    browser = site.browser()
    answers = [browser.log_in(NOBODY, "another wrong one") for _ in range(5)]
    assert answers[-1].status == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert site.browser().log_in(NOBODY).status == 429  # the right one is not even looked at


def test_a_log_out_ends_the_session_and_its_tokens(site: Site) -> None:
    browser = site.browser(READER)
    assert site.users is not None
    stolen = dict(browser.cookies)
    sessions = site.console._browsers._sessions
    token = sessions[stolen[f"scalar_tx_console_{site.port}"]].access
    assert browser.post("log-out").status == 200
    assert stolen[f"scalar_tx_console_{site.port}"] not in sessions
    with pytest.raises(NotAuthenticatedError):
        site.served.run(site.users.authenticator.authenticate(token))
    other = site.browser()
    other.cookies = stolen
    assert [other.get(path).status for path in READS] == [401] * len(READS)


def test_a_session_ends_when_the_users_tokens_are_ended(site: Site) -> None:
    browser = site.browser(READER)
    assert site.users is not None
    principals = site.users.principals
    site.served.run(principals.users.end_tokens(READER))
    site.users.authenticator._forget(READER)  # a worker remembers it for four seconds
    assert browser.get("overview").status == 401
    assert browser.get("session").data["user"] is None


def test_a_session_at_rest_ends(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = site.browser(READER)
    assert browser.get("overview").status == 200
    monkeypatch.setattr(browsers, "IDLE_SECONDS", 0.0)
    assert browser.get("overview").status == 401
    monkeypatch.undo()
    assert browser.get("overview").status == 401


def test_tokens_are_renewed_without_a_word(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = site.browser(READER)
    monkeypatch.setattr(browsers, "_EARLY", 1e6)
    for _ in range(3):  # each time with the refresh token that the last one gave
        assert browser.get("overview").status == 200
    assert not any("stx_" in text for text in browser.seen)


def test_only_so_many_sessions_are_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "MOST", 2)
    first, second, third = (site.browser(READER) for _ in range(3))
    assert [one.get("overview").status for one in (first, second, third)] == [401, 200, 200]


# What no page of ours would send.


def no_token(browser: Browser) -> Answer:
    return browser.post("log-out", X_CSRF_Token="")


def anothers_token(browser: Browser) -> Answer:
    stranger = type(browser)(browser.port)
    return browser.post("log-out", X_CSRF_Token=stranger.get("session").data["csrf"])


def foreign_origin(browser: Browser) -> Answer:
    return browser.post("log-out", Origin="http://127.0.0.1:1")


def a_form(browser: Browser) -> Answer:
    return browser.post("log-out", Content_Type="text/plain")


def no_cookie(browser: Browser) -> Answer:
    return type(browser)(browser.port, csrf=browser.csrf).post("log-out")


@pytest.mark.parametrize("trick", [no_token, anothers_token, foreign_origin, a_form, no_cookie])
def test_a_foreign_page_can_send_nothing(site: Site, trick: Any) -> None:
    browser = site.browser(READER)
    assert trick(browser).status in {400, 403}
    assert browser.get("overview").status == 200  # it was not logged out


def test_a_log_in_needs_the_token_too(site: Site) -> None:
    browser = site.browser()
    browser.get("session")
    said = {"user": READER, "password": PASSWORD}
    assert browser.post("log-in", said, X_CSRF_Token="").status == 403


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"user": 1, "password": "x"}', b'{"user": "x"}', b"[" * 100_000]
)
def test_a_malformed_body_is_refused(site: Site, body: bytes) -> None:
    browser = site.browser()
    browser.csrf = browser.get("session").data["csrf"]
    how = {"Content_Type": "application/json", "X_CSRF_Token": browser.csrf}
    assert browser.send("POST", "/api/log-in", body, **how).status == 400


def test_a_body_that_is_too_long_is_refused(site: Site) -> None:
    browser = site.browser()
    browser.csrf = browser.get("session").data["csrf"]
    assert browser.post("log-in", {"user": "x" * 300_000, "password": "x"}).status == 413
