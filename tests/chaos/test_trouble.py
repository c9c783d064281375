"""Do servers have the trouble that they are said to have, and do they get over it?"""

from __future__ import annotations

import itertools
import random
import time
from typing import TYPE_CHECKING

import pytest

from tests.chaos import trouble
from tests.chaos.bank import Work
from tests.chaos.campaign import Campaign
from tests.chaos.figures import Figures
from tests.chaos.fleet import Crew
from tests.chaos.journal import Entry
from tests.chaos.parts import PARTS
from tests.chaos.places import ServerPlace
from tests.chaos.trouble import KILL, PAUSE, Hit, Trouble
from tests.servers import postgresql, redis

if TYPE_CHECKING:
    from pathlib import Path

COMMITS = 150


def entry(begun: int, ended: int | None, outcome: str | None = "committed") -> Entry:
    return Entry(
        f"t{begun}", Work("note"), "e", rerun=False, begun=begun, ended=ended, outcome=outcome
    )


def test_who_was_at_work_when_a_server_died() -> None:
    hit = Hit("node", KILL, struck=100, over=200)
    before, across, inside, died = (
        entry(1, 99),
        entry(90, 110),
        entry(110, 190),
        entry(95, None, None),
    )
    assert hit.in_flight([before, inside]) == 0
    assert hit.in_flight([before, across, inside, died]) == 2
    assert hit.committed_meanwhile([before, across, inside, died, entry(150, 210)]) == 1


def test_a_campaign_in_which_nothing_happened_is_no_proof() -> None:
    figures = Figures(hits=[Hit("node", PAUSE, 1, 2)])
    floors = PARTS["multi"].floors_for(3000)
    missing = figures.too_little(floors)
    assert len(missing) == len(floors)
    assert "servers killed: 0, at least 4 are wanted" in missing


@pytest.mark.servers("redis")
def test_every_node_has_trouble_and_serves_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble, "CALM_S", (0.0, 0.01))
    monkeypatch.setattr(trouble, "AWAY_S", (0.0, 0.01))
    with redis(2) as cluster:
        first = [node.pid for node in cluster.nodes]
        troubles = Trouble(cluster.nodes, random.Random(1))
        troubles.commits = itertools.count(step=trouble.CALM_COMMITS).__next__
        with troubles:
            until = time.monotonic() + 60
            while len(troubles.hits) < 8 and time.monotonic() < until:
                troubles.check()
                time.sleep(0.05)
        assert {(hit.node, hit.kind) for hit in troubles.hits[:8]} >= {
            (node.name, kind) for node in cluster.nodes for kind in (KILL, PAUSE)
        }
        assert all(node.alive and not node.paused for node in cluster.nodes)
        assert all(pid != node.pid for pid, node in zip(first, cluster.nodes, strict=True))


@pytest.mark.kill
@pytest.mark.servers("postgresql")
def test_nothing_is_lost_when_a_server_is_killed(tmp_path: Path) -> None:
    """The shortest of the campaigns that ``make chaos`` runs."""
    crew = Crew(writers=2, threads=3, at_moment=6.0, at_random=6.0, aftermath=2.0)
    with postgresql() as cluster:
        place = ServerPlace(tmp_path / "scalardb.properties", cluster.properties(), {})
        troubles = Trouble(cluster.nodes, random.Random(1))
        campaign = Campaign(tmp_path, place, seed=1, crew=crew, trouble=troubles)
        result = campaign.commit(COMMITS, hits=3, batches=1)
    assert result.verdict.lines() == []
    floors = {
        "kills": 2,
        "commits": COMMITS,
        "servers killed": 2,
        "servers hit with transactions in flight": 1,
        "dependencies between transactions": COMMITS,
        "totals added up by readers": 5,
    }
    assert result.figures.too_little(floors) == []
