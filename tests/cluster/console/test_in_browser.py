"""Does an operator see in a browser what happens, find what is stuck, and settle it?"""

from __future__ import annotations

import io
import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.console.busy_node import (
    ACCOUNT,
    AUDITOR,
    CLERK,
    PASSWORD,
    STUCK,
    BusyNode,
)
from tests.cluster.console.chromium import chromium, program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.browser

# Set, the pictures of docs/images are made anew.
PICTURES = "CONSOLE_PICTURES"
WIDE, NARROW = {"width": 1000, "height": 760}, {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program()
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusyNode]:
    """A node under a load of transfers, with one record that a dead writer left."""
    with BusyNode(tmp_path_factory.mktemp("bank")) as made:
        made.kill_a_writer()
        made.transfers()
        yield made


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page that says of itself what went wrong in it."""
    contexts: list[Any] = []
    troubles: list[str] = []

    def opened(url: str, **how: Any) -> Any:
        context = browser.new_context(**{"viewport": WIDE, **how})
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: troubles.append(said.text) if _is_trouble(said) else None)
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


def _is_trouble(said: Any) -> bool:
    # A browser tells of each status above 399, those that are asked for on purpose included.
    return said.type == "error" and "Failed to load resource" not in said.text


def log_in(page: Any, user: str, password: str = PASSWORD) -> None:
    """By keyboard: the first field has the focus."""
    page.wait_for_selector("#log-in:visible")
    page.keyboard.type(user)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def inside(page: Any, user: str, password: str = PASSWORD) -> None:
    log_in(page, user, password)
    page.wait_for_selector("#console:visible")


def look(page: Any, older: int = 15) -> None:
    page.get_by_label("Older than (seconds)").fill(str(older))
    page.get_by_role("button", name="Look").click()
    until(page, lambda: "stuck." in said(page), "it has looked")


def said(page: Any) -> str:
    text: str = page.inner_text("#stuck-said")
    return text


def until(page: Any, true: Callable[[], bool], what: str) -> None:
    """Playwright's own way evaluates texts in the page, which its policy forbids."""
    for _ in range(200):
        if true():
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"after 20 s: {what}")


def wait_until_stuck(page: Any) -> None:
    """A dead writer has 15 seconds."""
    for _ in range(20):
        look(page)
        if page.locator("#stuck-records article").count():
            return
        page.wait_for_timeout(1000)
    raise AssertionError(page.inner_text("#stuck"))


def _are(found: Any, count: int) -> bool:
    return bool(found.count() == count)


def legend(page: Any, title: str, name: str) -> float | None:
    figure = page.locator("figure", has=page.get_by_text(title, exact=True))
    found = re.search(rf"{name} ([\d,.]+)?", figure.inner_text())
    assert found is not None
    return None if found[1] is None else float(found[1].replace(",", ""))


def picture(page: Any, name: str, **how: Any) -> None:
    """Keep what a page looks like, as a small file."""
    if os.environ.get(PICTURES):
        from PIL import Image

        path = Path(__file__).parents[3] / "docs" / "images" / f"console-{name}.png"
        path.parent.mkdir(exist_ok=True)
        seen = Image.open(io.BytesIO(page.screenshot(**how)))
        # A palette that keeps a colour which only a badge has.
        few = seen.convert("RGB").quantize(
            256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        )
        few.save(path, optimize=True)


def is_as_wide_as_its_screen(page: Any) -> bool:
    wide: bool = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return wide


def test_an_operator_watches_settles_and_logs_out(
    bank: BusyNode, opened: Callable[..., Any]
) -> None:
    page = opened(bank.url)
    log_in(page, CLERK, "not the password")
    page.wait_for_selector("#log-in-problem:visible")
    assert "wrong" in page.inner_text("#log-in-problem")
    page.locator("input[name=user]").fill("")
    page.locator("input[name=user]").focus()
    inside(page, CLERK)
    assert page.inner_text("#state") != "not logged in"
    until(page, lambda: page.inner_text("#state") == "ready", "it has said how it is")
    page.wait_for_timeout(12_000)  # four samples and more of the load
    ended = legend(page, "Transactions a second", "ended")
    assert ended is not None
    assert ended > 5
    assert legend(page, "Latency", "p99") is not None
    assert page.locator("#workers-rows tr").count() == 2
    assert page.inner_text("#storages-rows .badge") == "good"

    wait_until_stuck(page)
    (article,) = page.locator("#stuck-records article").all()
    text = article.inner_text()
    assert f"{ACCOUNT}" in text
    assert f"id={STUCK}" in text
    assert "PREPARED" in text
    cells = article.locator("tbody tr").all_inner_texts()
    assert [line.split("\t") for line in cells] == [
        ["owner", "'ann'", "'eve'"],
        ["balance", "1000", "1"],
    ]
    article.get_by_role("button").focus()
    page.keyboard.press("Enter")
    until(page, lambda: "ABORTED" in said(page) and "No record is stuck." in said(page), "settled")
    assert page.locator("#stuck-records article").count() == 0
    assert bank.balance() == 1000

    page.get_by_role("button", name="Log out").click()
    page.wait_for_selector("#log-in:visible")
    assert page.locator("#console").is_hidden()
    page.reload()
    page.wait_for_selector("#log-in:visible")
    assert bank.done > 100


def test_without_the_privilege_there_is_no_button_and_the_call_is_refused(
    bank: BusyNode, opened: Callable[..., Any]
) -> None:
    bank.kill_a_writer()
    page = opened(bank.url)
    inside(page, AUDITOR)
    wait_until_stuck(page)
    assert page.locator("#stuck-records button").count() == 0
    refused = page.evaluate(
        """async () => {
          const { csrf } = await (await fetch("/console/api/session")).json();
          const found = await (await fetch("/console/api/stuck?table=bank.account&older=0")).json();
          const answer = await fetch("/console/api/settle", {
            method: "POST",
            headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
            body: JSON.stringify({ table: "bank.account", key: found.records[0].key }),
          });
          return [answer.status, (await answer.json()).error.code];
        }"""
    )
    assert refused == [403, "STX-5202"]
    assert page.locator("#open-rows tr").count() == 0  # none of them is the auditor's


def test_a_thousand_open_transactions_and_a_narrow_screen(
    bank: BusyNode, opened: Callable[..., Any]
) -> None:
    page = opened(bank.url, viewport=NARROW)
    log_in(page, bank.first["user"], "x")
    page.wait_for_selector("#log-in-problem:visible")
    assert is_as_wide_as_its_screen(page)
    page.reload()
    wide = opened(bank.url)
    with bank.held(990):
        for one, name in ((page, "narrow"), (wide, "many")):
            inside(one, bank.first["user"], bank.first["password"])
            rows = one.locator("#open-rows tr")
            until(one, partial(_are, rows, 100), "all that is shown is there")
            count = re.match(r"([\d,]+)", one.inner_text("#open-count"))
            assert count is not None
            assert int(count[1].replace(",", "")) >= 990
            assert "The 100 oldest are shown." in one.inner_text("#open-note")
            assert is_as_wide_as_its_screen(one), name
        wait_until_stuck(page)  # with both images and a button
        assert is_as_wide_as_its_screen(page)
        box = page.locator("#stuck-records button").bounding_box()
        assert box["x"] + box["width"] <= NARROW["width"]
        assert wide.locator("section#stuck").bounding_box()["y"] < 1400  # it is not pushed away


def test_all_can_be_reached_by_keyboard_and_the_focus_is_seen(
    bank: BusyNode, opened: Callable[..., Any]
) -> None:
    page = opened(bank.url)
    inside(page, bank.first["user"], bank.first["password"])
    wait_until_stuck(page)
    page.evaluate("document.querySelector('.skip').focus()")  # the first there is
    seen: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """[document.activeElement.tagName + " " + (document.activeElement.name
                || document.activeElement.textContent.slice(0, 12)),
               getComputedStyle(document.activeElement).outlineStyle]"""
        )
        if name.startswith("BODY"):
            break
        assert outline == "solid", name
        seen.append(name)
    for wanted in ("BUTTON Log out", "A Load", "SELECT table", "INPUT older"):
        assert any(name.startswith(wanted) for name in seen), (wanted, seen)
    assert "BUTTON Settle" in seen
    assert "BUTTON Look" in seen


@pytest.mark.parametrize(
    "name, scheme, screen",
    [("light", "light", WIDE), ("dark", "dark", WIDE), ("narrow", "light", NARROW)],
)
def test_pictures_for_the_documentation(
    bank: BusyNode, opened: Callable[..., Any], name: str, scheme: str, screen: dict[str, int]
) -> None:
    # As a user of some tables: no picture shows where a database is.
    page = opened(bank.url, color_scheme=scheme, viewport=screen)
    page.wait_for_selector("#log-in:visible")
    if name == "light":
        picture(page, "log-in")
    inside(page, CLERK)
    page.wait_for_timeout(150_000 if os.environ.get(PICTURES) and name == "light" else 5000)
    wait_until_stuck(page)
    page.evaluate("document.activeElement.blur()")
    picture(page, name, full_page=True)
    assert is_as_wide_as_its_screen(page)
    colours = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colours == {"light": "rgb(246, 247, 249)", "dark": "rgb(15, 19, 24)"}[scheme]
