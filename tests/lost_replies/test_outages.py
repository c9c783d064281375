"""A server that goes away and returns: bounded waits, errors of the right kind, no leak."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx.errors import ConflictError, StorageUnavailableError, UnknownOutcomeError
from tests.lost_replies.impatience import impatient
from tests.lost_replies.lanes import await_no_connection
from tests.lost_replies.transfers import BEFORE, Accounts, Layout, View
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx import Transaction, TransactionManager
    from scalar_tx.model.types import Value
    from tests.lost_replies.places import Place

log = logging.getLogger(__name__)

AWAY_SECONDS = 3.0
LONGEST_CALL = 45.0  # seconds, of a call without reruns; 15 without other work on the machine
BACK_SECONDS = 60.0
CALLERS = 3


def move(tx: Transaction, accounts: Accounts, amount: int) -> None:
    for (name, (p, c)), by in ((accounts.payer, -amount), (accounts.payee, amount)):
        key: dict[str, Value] = {"p": p, "c": c}
        record = tx.get(name, key)
        assert record is not None
        assert isinstance(record["balance"], int)
        tx.update(name, key, {"balance": record["balance"] + by})


class Caller:
    """Moves coins, one transaction after the other, and keeps count of what it was told."""

    def __init__(self, db: TransactionManager, accounts: Accounts) -> None:
        self.db = db
        self.accounts = accounts
        self.told = Counter[str]()
        self.longest = 0.0
        self.moved = 0
        self.stop = threading.Event()
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="caller")
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self.stop.is_set():
                self._once()
        except Exception as failure:  # noqa: BLE001  raised by ``end``
            self.failure = failure

    def _once(self) -> None:
        began = time.monotonic()
        try:
            self.db.run(move, self.accounts, 1, retry=0)
        except UnknownOutcomeError as error:
            self.told["unknown"] += 1
            self._settle(error.transaction_id or "without id")
        except (ConflictError, StorageUnavailableError) as error:
            busy = isinstance(error, ConflictError)
            self.told["conflict" if busy else "unavailable"] += 1
            self.stop.wait(0.05)
        else:
            self.told["committed"] += 1
            self.moved += 1
        self.longest = max(self.longest, time.monotonic() - began)

    def _settle(self, tx_id: str) -> None:
        deadline = time.monotonic() + BACK_SECONDS
        while True:
            try:
                state = self.db.settle(tx_id)
            except (UnknownOutcomeError, StorageUnavailableError):
                assert time.monotonic() < deadline
            else:
                self.moved += state is scalar_tx.TransactionState.COMMITTED
                return

    def end(self) -> None:
        self.stop.set()
        self._thread.join(2 * LONGEST_CALL)
        assert not self._thread.is_alive()
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def proxy(place: Place) -> Iterator[Proxy]:
    with Proxy.before(place.cluster) as found:
        yield found


@pytest.mark.parametrize("way", ["paused", "killed"])
def test_a_server_goes_away_for_some_seconds(place: Place, proxy: Proxy, way: str) -> None:
    if place.cluster.kind == "cassandra" and way == "killed":
        way = "cut off"  # a start takes half a minute; for the driver it is the same
    [node] = place.cluster.nodes
    with scalar_tx.connect(impatient(proxy, place.cluster)) as db:
        callers = [Caller(db, Accounts.made(place, Layout.TWO_PARTITIONS)) for _ in range(CALLERS)]
        try:
            await_commits(callers, 3)
            before = len(proxy.connections)
            if way == "paused":
                node.pause()
            elif way == "killed":
                with proxy.quiet() if place.cluster.kind == "dynamodb" else nullcontext():
                    node.kill()
            else:
                proxy.cut()
            time.sleep(AWAY_SECONDS)
            if way == "paused":
                node.resume()
            elif way == "killed":
                node.start()
            else:
                proxy.heal()
            await_commits(callers, 3)
        finally:
            place.cluster.mend()
            proxy.heal()
            for caller in callers:
                caller.end()
        told = sum((caller.told for caller in callers), Counter[str]())
        assert len(proxy.connections) <= before + CALLERS, "connections that nobody uses"
    await_no_connection(proxy)
    log.info("%s, %s: %s", place.cluster.kind, way, dict(told))
    # Whose decision was lost may have been settled, and was held up; others were told at once.
    failed = told["conflict"] + told["unavailable"] + told["unknown"]
    assert failed or max(caller.longest for caller in callers) > AWAY_SECONDS / 4, told
    for caller in callers:
        assert caller.longest < LONGEST_CALL
        seen = caller.accounts.seen(place)
        moved = caller.moved
        assert seen == View(100 - moved, 100 + moved, BEFORE.mark), f"{caller.told}: {seen}"


def await_commits(callers: list[Caller], count: int) -> None:
    """Return when each has committed so many more."""
    wanted = [(one, one.told["committed"] + count) for one in callers]
    deadline = time.monotonic() + BACK_SECONDS
    while any(one.told["committed"] < many for one, many in wanted):
        for one, _ in wanted:
            if one.failure is not None:
                raise one.failure
        assert time.monotonic() < deadline, [dict(one.told) for one in callers]
        time.sleep(0.02)
