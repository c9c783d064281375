"""How is a scan read page by page, left early, and gone on with later?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx import InvalidOperationError
from tests.faces.either import Face, close, each, entered, now
from tests.faces.tables import ACCOUNT, ENTRY, make_accounts, make_entries

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def db(face: Face, target: str) -> Iterator[Any]:
    """A manager that reads three rows at a time."""
    manager = face.open(target, scan_fetch_size=3)
    yield manager
    close(manager)


async def test_iteration(db: Any) -> None:
    await make_accounts(db, count=10)
    tx = db.begin()
    async with entered(await now(tx.scanner(ACCOUNT, whole_table=True, order_by=["id"]))) as scan:
        found = [record["id"] async for record in each(scan)]
    assert found == list(range(1, 11))
    assert await now(scan.next_page()) is None  # read to its end: there is no more, and no error
    await now(scan.close())
    await now(tx.commit())


async def test_pages(db: Any) -> None:
    await make_accounts(db, count=7)
    tx = db.begin()
    scan = await now(tx.scanner(ACCOUNT, whole_table=True, order_by=["id"], columns=["id"]))
    pages = []
    while (page := await now(scan.next_page())) is not None:
        pages.append([dict(record) for record in page])
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [record["id"] for page in pages for record in page] == [1, 2, 3, 4, 5, 6, 7]
    limited = await now(tx.scanner(ACCOUNT, whole_table=True, order_by=["-id"], limit=4))
    assert [record["id"] async for record in each(limited)] == [7, 6, 5, 4]
    await now(tx.rollback())


async def test_leaving_early(db: Any) -> None:
    await make_accounts(db, count=7)
    tx = db.begin()
    async with entered(await now(tx.scanner(ACCOUNT, whole_table=True, order_by=["id"]))) as scan:
        async for record in each(scan):
            assert record["id"] == 1
            break
    with pytest.raises(InvalidOperationError) as caught:
        await now(scan.next_page())
    assert caught.value.code == "STX-3046"
    # Only what was read is validated: a change behind it is no conflict.
    await now(db.update(ACCOUNT, {"id": 7}, {"balance": 1}))
    await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 1}))
    await now(tx.commit())


async def test_open_at_the_commit(db: Any) -> None:
    await make_accounts(db, count=7)
    tx = db.begin()
    scan = await now(tx.scanner(ACCOUNT, whole_table=True, order_by=["id"]))
    assert len(await now(scan.next_page())) == 3
    await now(tx.upsert(ACCOUNT, {"id": 8}))
    await now(tx.commit())
    with pytest.raises(InvalidOperationError) as caught:  # an end here would hide four records
        await now(scan.next_page())
    assert caught.value.code == "STX-3046"
    await now(scan.close())
    assert await now(db.get(ACCOUNT, {"id": 8})) is not None


async def test_it_does_not_see_later_writes(db: Any) -> None:
    await make_accounts(db, count=7)
    tx = db.begin()
    await now(tx.upsert(ACCOUNT, {"id": 0, "balance": 0}))
    scan = await now(tx.scanner(ACCOUNT, whole_table=True, order_by=["id"]))
    first = await now(scan.next_page())
    await now(tx.upsert(ACCOUNT, {"id": 6, "balance": 66}))
    await now(tx.upsert(ACCOUNT, {"id": 9, "balance": 9}))
    rest = [record async for record in each(scan)]
    assert [r["id"] for r in (*first, *rest)] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert next(r for r in rest if r["id"] == 6)["balance"] == 100
    ids = [r["id"] for r in await now(tx.scan(ACCOUNT, whole_table=True, order_by=["id"]))]
    assert ids == [0, 1, 2, 3, 4, 5, 6, 7, 9]
    await now(tx.rollback())


@pytest.mark.parametrize(
    "how",
    [
        {"partition": {"day": "mon"}},
        {"partition": {"day": "mon"}, "order_by": ["seq"]},
        {"partition": {"day": "mon"}, "start": {"seq": 2}},
        {"whole_table": True, "order_by": ["-amount"]},
        {"whole_table": True},
    ],
    ids=repr,
)
@pytest.mark.parametrize("size", [1, 3, 4])
async def test_page_tokens_lead_through_all_pages(db: Any, how: dict[str, Any], size: int) -> None:
    await make_entries(db, count=7)
    whole = await now(db.scan(ENTRY, **how))
    found: list[Any] = []
    token = None
    for _ in range(20):
        tx = db.begin(read_only=True)  # each page is read by a transaction of its own
        scan = await now(tx.scanner(ENTRY, limit=size, after=token, **how))
        page = [record async for record in each(scan)]
        found += page
        if not page:
            assert scan.page_token is None
            break
        assert isinstance(scan.page_token, str)
        token = scan.page_token
        await now(tx.commit())
        by_scan = await now(db.scan(ENTRY, limit=1, after=token, **how))
        assert by_scan == whole[len(found) : len(found) + 1]
    assert found == whole


async def test_a_token_of_another_scan_is_refused(db: Any) -> None:
    await make_entries(db, count=3)
    tx = db.begin()
    scan = await now(tx.scanner(ENTRY, {"day": "mon"}, limit=1))
    assert scan.page_token is None
    await now(scan.next_page())
    token = scan.page_token
    for how in (
        {"partition": {"day": "tue"}},
        {"whole_table": True, "order_by": ["amount"]},
        {"index": {"what": "w0"}},
    ):
        with pytest.raises(InvalidOperationError) as caught:
            await now(tx.scan(ENTRY, after=token, **how))
        assert caught.value.code == "STX-3033"
    await now(tx.rollback())


async def test_own_writes_come_after_a_token_where_they_belong(db: Any) -> None:
    await make_accounts(db, count=4)
    tx = db.begin()
    await now(tx.upsert(ACCOUNT, {"id": 3, "balance": 33}))
    await now(tx.upsert(ACCOUNT, {"id": 10, "balance": 10}))
    await now(tx.delete(ACCOUNT, {"id": 4}))
    scan = await now(tx.scanner(ACCOUNT, whole_table=True, order_by=["id"], limit=2))
    assert [r["id"] async for r in each(scan)] == [1, 2]
    rest = await now(tx.scan(ACCOUNT, whole_table=True, order_by=["id"], after=scan.page_token))
    assert [(r["id"], r["balance"]) for r in rest] == [(3, 33), (10, 10)]
    await now(tx.rollback())
