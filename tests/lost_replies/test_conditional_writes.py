"""A conditional write whose way is disturbed: is it applied, refused, or said to be unknown?

Returned means applied; refused, busy and unavailable mean that nothing changed nor ever will, not
even when a held request arrives; a lost reply leaves all records as they were or all as they were
to become. No write is sent a second time but under the name that makes it one.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from scalar_tx.connection import parts_of
from scalar_tx.errors import (
    ReplyLostError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.settings import load
from scalar_tx.storage import registry
from tests.lost_replies.lanes import lanes
from tests.lost_replies.mishaps import SINGLE, Mishap, Watch
from tests.lost_replies.places import DECISIONS, FIRST
from tests.lost_replies.readiness import ready
from tests.lost_replies.shapes import OF_UNREAD, SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import Storage
    from tests.lost_replies.lanes import Lane, Lanes
    from tests.lost_replies.places import Place
    from tests.lost_replies.shapes import Scene

log = logging.getLogger(__name__)

TRIALS = 4

Rows = list["Row | None"]


@dataclass(frozen=True)
class Case:
    """A mishap to the n-th request of a call."""

    shape: str
    mishap: Mishap
    nth: int

    def __str__(self) -> str:
        return f"{self.shape}, request {self.nth}: {self.mishap.value}"


@dataclass(frozen=True)
class Clean:
    """What a call does where nothing is in its way: its requests, its writes, and the rows."""

    requests: int
    writes: int
    before: Rows
    after: Rows


@dataclass(frozen=True)
class Result:
    """How a case ended. ``late``: a held request arrived, and took effect."""

    said: str
    applied: bool
    unheard: bool
    late: bool


class Player:
    """Plays the calls of one place."""

    def __init__(self, place: Place) -> None:
        self.place = place
        storage = parts_of(place.observer).context.storage
        overwrites = storage.info(place.stored[FIRST].name).overwrites
        self.shapes = {**SHAPES, **(OF_UNREAD if overwrites else {})}

    def scene(self, shape: str) -> Scene:
        scene = self.shapes[shape](self.place.for_shapes, self.place.fresh())
        storage = parts_of(self.place.observer).context.storage
        for mutation in scene.before:
            run_blocking(storage.mutate([mutation]))
        return scene

    def rows(self, scene: Scene) -> Rows:
        """The rows of a scene's call, without their keys, as they were at one moment.

        They are read one by one while the server may still be at a write: twice the same, then.
        """
        before, found = None, self._read(scene)
        while found != before:
            before, found = found, self._read(scene)
        return found

    def _read(self, scene: Scene) -> Rows:
        found: Rows = []
        for mutation in scene.call:
            decides = mutation.table == self.place.stored[DECISIONS]
            row = self.place.row(DECISIONS if decides else FIRST, mutation.key)
            keys = mutation.table.schema.primary_key
            found.append(row and {n: v for n, v in row.items() if n not in keys})
        return found

    def clean(self, lane: Lane[Storage], shape: str) -> Clean:
        """Play a call without mishap; again, where the machine's other work was one."""
        for _ in range(TRIALS):
            self.await_service(lane)
            scene = self.scene(shape)
            before = self.rows(scene)
            watch = Watch(lane.proxy, self.place.speech)
            said = self.call(lane, scene)
            if said == ("WriteRefusedError" if scene.refused else "applied"):
                break
        else:
            raise AssertionError(f"{shape}: {said}")
        return Clean(len(watch.asked), len(set(watch.writes)), before, self.rows(scene))

    def call(self, lane: Lane[Storage], scene: Scene) -> str:
        """What the storage says of the call; any other error is a failure."""
        try:
            run_blocking(lane.client.mutate(scene.call))
        except (
            WriteRefusedError,
            StorageBusyError,
            StorageUnavailableError,
            ReplyLostError,
        ) as error:
            kinds = (WriteRefusedError, StorageBusyError, StorageUnavailableError, ReplyLostError)
            return next(kind.__name__ for kind in kinds if isinstance(error, kind))
        return "applied"

    def play(self, lane: Lane[Storage], case: Case, clean: Clean) -> Result:
        """Play a case; again, if the machine was so slow that the mishap met nothing."""
        for _ in range(TRIALS):
            self.await_service(lane)
            scene = self.scene(case.shape)
            assert self.rows(scene) == clean.before
            watch = Watch(lane.proxy, self.place.speech, case.mishap, case.nth)
            said = self.call(lane, scene)
            if watch.happened:
                return self._judged(case, clean, scene, watch, said)
        raise AssertionError(f"the call never made {case.nth} requests")

    def _judged(self, case: Case, clean: Clean, scene: Scene, watch: Watch, said: str) -> Result:
        watch.over()
        found = self.rows(scene)
        self._agrees(said, found, clean, scene)
        assert len(watch.writes) <= len(set(watch.writes)) + 2
        assert len(set(watch.writes)) <= clean.writes, f"{said}, sent again: {watch.writes}"
        late = False
        if case.mishap.holds:
            watch.deliver()
            now = self.rows(scene)
            late = now != found
            self._agrees(said, now, clean, scene)
            assert not (late and said == "applied"), f"changed again: {found} to {now}"
            found = now
        applied = found == clean.after != clean.before
        return Result(said, applied, watch.took_effect_unheard and applied, late)

    def _agrees(self, said: str, found: Rows, clean: Clean, scene: Scene) -> None:
        if said == "applied":
            assert not scene.refused
            assert found == clean.after
        elif said == "ReplyLostError":
            assert found in (clean.before, clean.after), f"half done: {found}"
        else:
            assert found == clean.before, f"{said}, and yet {found}"

    def await_service(self, lane: Lane[Storage]) -> None:
        """Return when both tables can be read."""
        records, decisions = self.place.stored[FIRST], self.place.stored[DECISIONS]

        def probe() -> None:
            run_blocking(lane.client.get(records, (0, 0)))
            run_blocking(lane.client.get(decisions, ("nobody",)))

        ready(lane.proxy, probe)


@pytest.fixture(scope="module")
def clients(place: Place) -> Iterator[Lanes[Storage]]:
    """Storages behind proxies."""

    player = Player(place)

    def close(lane: Lane[Storage]) -> None:
        player.await_service(lane)
        run_blocking(lane.client.close())

    with lanes(
        place.cluster, lambda known: registry.open_storage(load(known).storage), close
    ) as opened:
        yield opened


def test_every_conditional_write_with_every_mishap(place: Place, clients: Lanes[Storage]) -> None:
    player = Player(place)
    one = clients.lanes[0]
    clean = {shape: player.clean(one, shape) for shape in player.shapes}
    for shape in player.shapes:
        assert (clean[shape].before == clean[shape].after) == shape.endswith("refused"), shape
    cases = [
        Case(shape, mishap, nth)
        for shape in player.shapes
        for nth in range(1, clean[shape].requests + 1)
        for mishap in SINGLE
        if mishap is not Mishap.HELD_LONG  # nobody else writes here
    ]
    results = clients.play(cases, lambda lane, case: player.play(lane, case, clean[case.shape]))
    failures = [
        f"{case}: {type(result).__name__}: {result}"
        for case, result in zip(cases, results, strict=True)
        if isinstance(result, Exception)
    ]
    assert not failures, "\n".join(failures)
    told = Counter[str]()
    for case, result in zip(cases, results, strict=True):
        assert isinstance(result, Result)
        told[result.said] += 1
        told["unheard"] += result.unheard
        told["late"] += result.late
        told[case.mishap.name] += 1
    log.info("%s: %s", place.cluster.kind, dict(told))
    floors = {"ReplyLostError": 20, "unheard": 20, "late": 5}
    assert not {name: told[name] for name, least in floors.items() if told[name] < least}, told
    assert not {one for one in SINGLE if not told[one.name]} - {Mishap.HELD_LONG}, told
