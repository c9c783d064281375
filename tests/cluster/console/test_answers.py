"""What does the console tell whom, and who may settle a record?"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.cluster.console.site import (
    HIDDEN,
    NOBODY,
    OTHER,
    PASSWORD,
    READER,
    ROOT,
    SEEN,
    TABLE,
    WRITER,
    Site,
)

if TYPE_CHECKING:
    from pathlib import Path

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/page.js",
        "/page.css",
        "/charts.js",
        "/panels.js",
        "/panels/40-stuck.js",
        "/panels/none.js",
        "/api/session",
        "/api/overview",
        "/none",
    ],
)
def test_each_answer_has_its_headers(site: Site, path: str) -> None:
    answer = site.browser().send("GET", path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_names_nothing_from_elsewhere(site: Site) -> None:
    page = site.browser().send("GET", "").text
    assert "http" not in page
    assert " style=" not in page
    assert "onclick" not in page


def test_open_transactions_are_shown_to_their_owner_and_to_superusers(site: Site) -> None:
    site.hold(3, WRITER)
    site.hold(1, READER)
    everything = site.browser(ROOT).get("overview").data
    assert everything["count"] == 4
    assert {one["owner"] for one in everything["transactions"]} == {WRITER, READER}
    assert everything["transactions"][0]["age"] >= everything["transactions"][-1]["age"]
    own = site.browser(READER).get("overview").data
    assert [one["id"] for one in own["transactions"]] == [f"{READER}-0"]
    assert site.browser(WRITER).get("overview").data["workers"][1]["open"] == 4


def test_of_many_open_transactions_the_oldest_are_shown(open_site: Site) -> None:
    open_site.hold(1000, "connection")
    found = open_site.browser().get("overview").data
    assert found["count"] == 1000
    assert len(found["transactions"]) == 100
    assert found["transactions"][0]["id"] == "connection-0"


def test_tables_are_those_that_one_may_read(site: Site) -> None:
    assert site.browser(ROOT).get("tables").data["tables"] == [TABLE, OTHER]
    assert site.browser(READER).get("tables").data["tables"] == [TABLE]
    assert site.browser(NOBODY).get("tables").data["tables"] == []


def test_a_stuck_record_is_shown_with_both_images(site: Site) -> None:
    site.leave(1, {"owner": SEEN, "balance": 100}, age=60)
    found = site.browser(READER).get(f"stuck?table={TABLE}&older=15").data
    (one,) = found["records"]
    assert one["shown_key"] == {"id": "1"}
    assert (one["state"], one["writer"], one["decision"]) == ("PREPARED", "writer-of-1", None)
    assert (one["before"], one["after"]) == (None, {"owner": f"'{SEEN}'", "balance": "100"})
    assert not one["alive"]
    assert found["complete"]
    assert not found["may_settle"]
    assert site.browser(WRITER).get(f"stuck?table={TABLE}").data["may_settle"]
    assert site.browser(READER).get(f"stuck?table={TABLE}&older=3600").data["records"] == []
    site.browser(WRITER)


def test_settling_needs_the_privilege_to_write(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.leave(2, {"owner": SEEN, "balance": 100})
    key = _key(site, 2)
    said = {"table": TABLE, "key": key}
    refused = [site.browser(name).post("settle", said) for name in (READER, NOBODY)]
    assert [one.status for one in refused] == [403, 403]
    assert refused[0].data["error"]["code"] == "STX-5202"
    assert site.row(2) is not None
    with caplog.at_level(logging.INFO, "scalar_tx.security"):
        done = site.browser(WRITER).post("settle", said)
    assert (done.status, done.data) == (200, {"state": "ABORTED"})
    assert site.row(2) is None  # there was no record before
    assert 'event=settle user="writer" subject="bank.account" result=done' in caplog.text
    assert site.browser(WRITER).post("settle", said).data == {"state": None}


def test_a_writer_that_may_be_alive_is_left_alone(site: Site) -> None:
    site.leave(3, {"owner": SEEN, "balance": 100}, age=1)
    browser = site.browser(WRITER)
    (one,) = [
        one
        for one in browser.get(f"stuck?table={TABLE}&older=0").data["records"]
        if one["shown_key"] == {"id": "3"}
    ]
    assert one["alive"]
    answer = browser.post("settle", {"table": TABLE, "key": one["key"]})
    assert answer.status == 409
    assert site.row(3) is not None


def test_at_most_a_hundred_stuck_records_are_shown(open_site: Site) -> None:
    for number in range(350):
        age = 60 if number % 7 < 4 else 5  # no page ends where the list does
        open_site.leave(number, {"owner": "x" * 10_000, "balance": 1}, age=age)
    found = open_site.browser().get(f"stuck?table={TABLE}").data
    assert len(found["records"]) == 100
    assert not found["complete"]
    assert len(found["records"][0]["after"]["owner"]) < 300


def test_what_is_shown_of_wide_tables_fits_a_message(open_site: Site) -> None:
    columns = {"id": "BIGINT", **{f"c{number}": "TEXT" for number in range(300)}}
    admin = open_site.served.manager.admin
    open_site.served.run(admin.create_table("bank.wide", columns=columns, partition_key=["id"]))
    for number in range(20):
        values = {name: "\N{SNOWMAN}" * 1000 for name in columns if name != "id"}
        open_site.leave(number, values, table="bank.wide")
    answer = open_site.browser().get("stuck?table=bank.wide")
    assert answer.status == 200
    assert 0 < len(answer.data["records"]) < 20
    assert not answer.data["complete"]
    assert answer.data["records"][0]["after"]["…"] == "100 more columns"


def test_what_is_no_record_is_refused(site: Site) -> None:
    browser = site.browser(ROOT)
    for key in ("", "?", "AAAA", "é"):
        assert browser.post("settle", {"table": TABLE, "key": key}).status == 400, key
    for query in ("", "table=&older=1", f"table={TABLE}&older=x", f"table={TABLE}&older=-1"):
        assert browser.get(f"stuck?{query}").status == 400, query
    assert browser.get(f"stuck?table={TABLE}&older=nan").status == 400


def test_closed_namespaces_stay_closed(site: Site) -> None:
    for table in ("coordinator.state", "scalar_tx.user", "scalar_tx.token"):
        assert site.browser(ROOT).get(f"stuck?table={table}").status == 403
        assert site.browser(ROOT).post("settle", {"table": table, "key": ""}).status == 403


def test_findings_of_a_storage_are_for_superusers(tmp_path: Path) -> None:
    path = tmp_path / "bank.db"
    site = Site(target=f"sqlite:///{path}")
    try:
        seen = site.browser(READER).get("storages")
        (one,) = seen.data["storages"]
        assert (one["kind"], one["verdict"], one["findings"]) == ("sqlite", "good", [])
        assert str(tmp_path) not in seen.text
        assert str(path) in site.browser(ROOT).get("storages").text
    finally:
        site.close()


def test_while_the_node_is_paused_it_is_looked_on_only(site: Site) -> None:
    browser = site.browser(ROOT)
    site.served.worker.gate.close()
    try:
        answers = [browser.get("overview"), browser.get(f"stuck?table={TABLE}")]
        answers.append(browser.post("settle", {"table": TABLE, "key": ""}))
    finally:
        site.served.worker.gate.open()
    assert [one.status for one in answers] == [200, 503, 503]


def test_no_worker_at_this_moment_is_said(site: Site) -> None:
    browser = site.browser(ROOT)
    site.stop_serving(stopped=True)
    try:
        answers = [browser.get("session"), browser.get("tables"), browser.get("overview")]
    finally:
        site.stop_serving(stopped=False)
    assert [one.status for one in answers] == [503, 503, 200]
    assert browser.get("tables").status == 200  # still logged in


def test_a_worker_that_has_just_ended_is_passed_over(open_site: Site) -> None:
    open_site.end_a_worker()
    browser = open_site.browser()
    assert browser.get("tables").data["tables"]
    workers = browser.get("overview").data["workers"]
    assert [one["open"] is None for one in workers] == [True, False]


def test_no_secret_is_ever_sent(site: Site) -> None:
    site.leave(4, {"owner": HIDDEN, "balance": 1}, table=OTHER)
    for name in (ROOT, READER, WRITER, NOBODY, None):
        browser = site.browser(name)
        browser.log_in("somebody", PASSWORD)
        browser.log_in(PASSWORD, "a wrong password")
        for path in ("session", "overview", "tables", "storages", f"stuck?table={TABLE}"):
            browser.get(path)
        if name != ROOT:
            browser.get(f"stuck?table={OTHER}")
        browser.post("settle", {"table": PASSWORD, "key": PASSWORD})
        browser.post("log-out")
        text = "\n".join(browser.seen)
        assert "stx_" not in text
        assert HIDDEN not in text
        assert PASSWORD not in text.replace(f"{PASSWORD} is no table", "")
    assert HIDDEN in site.browser(ROOT).get(f"stuck?table={OTHER}").text


def _key(site: Site, number: int) -> str:
    found = site.browser(WRITER).get(f"stuck?table={TABLE}").data["records"]
    (key,) = [one["key"] for one in found if one["shown_key"] == {"id": str(number)}]
    return str(key)
