"""Is nothing lost when the processes of nodes are killed, or nodes are paused, under load?

``make chaos SERVERS=node`` is the long run; these are shorter ones, and the proof that what is
wrong would be noticed.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from scalar_tx.cluster.client.backend import RemoteBackend
from scalar_tx.model.state import TransactionState
from tests.chaos.judge import LOST
from tests.chaos.node_campaign import NodeCampaign
from tests.chaos.node_figures import NodeFigures, floors_of
from tests.chaos.node_places import CALMLY, nodes_on, on_a_server
from tests.servers import postgresql

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.kill


def test_nothing_is_lost_when_workers_and_whole_nodes_are_killed(tmp_path: Path) -> None:
    campaign = NodeCampaign(tmp_path, seed=1)
    campaign.one_node(2, 9, every_step=True)
    result = campaign.result
    assert result.verdict.lines() == []
    floors = {
        "kills": 20,
        "whole nodes killed": 2,
        "kills with transactions in flight": 16,
        "commits": 200,
        "conflicts": 20,
        "transactions whose node was lost": 2,
        "commits settled by another process": 1,
        "scripts": 20,
        "appends": 20,
    }
    assert result.figures.too_little(floors) == []


def test_two_of_three_nodes_go_on(tmp_path: Path) -> None:
    campaign = NodeCampaign(tmp_path, seed=2)
    campaign.three_nodes(1)
    result = campaign.result
    assert result.verdict.lines() == []
    floors = {"kills": 1, "kills with transactions in flight": 1, "commits": 100}
    assert result.figures.too_little(floors) == []
    assert max(result.figures.gaps) < 5


@pytest.mark.servers("postgresql")
def test_two_of_three_nodes_go_on_on_a_server(tmp_path: Path) -> None:
    with postgresql() as cluster:
        where = partial(on_a_server, properties=cluster.properties())
        campaign = NodeCampaign(tmp_path, seed=5, where=where)
        campaign.three_nodes(1)
    result = campaign.result
    assert result.verdict.lines() == []
    floors = {"kills": 1, "kills with transactions in flight": 1, "commits": 100, "conflicts": 1}
    assert result.figures.too_little(floors) == []


def test_pauses_under_load(tmp_path: Path) -> None:
    campaign = NodeCampaign(tmp_path, seed=3)
    campaign.pauses(50)
    result = campaign.result
    assert result.verdict.lines() == []
    floors = {"pauses": 50, "refused while paused": 25, "commits": 100}
    assert result.figures.too_little(floors) == []


def test_pauses_in_which_somebody_is_killed(tmp_path: Path) -> None:
    campaign = NodeCampaign(tmp_path, seed=6)
    campaign.pauses(12, 8)
    result = campaign.result
    assert result.verdict.lines() == []
    floors = {
        "pauses": 8,
        "workers killed in pauses": 4,
        "nodes killed in pauses": 1,
        "killed while being paused": 1,
        "killed while paused": 2,
        "workers that came back paused": 2,
        "refused while paused": 10,
        "commits": 100,
    }
    assert result.figures.too_little(floors) == []


def test_a_campaign_that_never_killed_in_a_pause_has_shown_nothing() -> None:
    figures = NodeFigures(pauses=2000, refused_in_pause=2000)
    lacking = "\n".join(figures.too_little(floors_of(300, 1000)))
    for what in ("workers killed in pauses", "killed while paused", "that came back paused"):
        assert f"{what}: 0, at least" in lacking


@pytest.mark.servers("postgresql")
def test_nothing_is_lost_on_a_server(tmp_path: Path) -> None:
    with nodes_on("postgresql") as where:
        campaign = NodeCampaign(tmp_path, seed=7, where=where)
        campaign.one_node(2, 6, every_step=True)
        campaign.pauses(6, 2)
    result = campaign.result
    assert result.verdict.lines() == []
    floors = {
        "kills": 16,
        "whole nodes killed": 2,
        "kills with transactions in flight": 12,
        "commits": 150,
        "conflicts": 10,
        "scripts": 15,
        "appends": 15,
        "workers killed in pauses": 1,
        "pauses": 4,
    }
    assert result.figures.too_little(floors) == []


@pytest.mark.servers("cassandra", "dynamodb")
def test_nothing_is_lost_on_two_databases_at_once(tmp_path: Path) -> None:
    with nodes_on("multi") as where:
        campaign = NodeCampaign(tmp_path, seed=8, where=where, pace=CALMLY)
        campaign.one_node(1, 5, every_step=True)
    result = campaign.result
    assert result.verdict.lines() == []
    floors = {
        "kills": 6,
        "whole nodes killed": 1,
        "kills with transactions in flight": 5,
        "commits": 30,
        "scripts": 3,
        "appends": 3,
    }
    assert result.figures.too_little(floors) == []


def test_a_client_that_is_told_too_much_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def all_is_well(backend: RemoteBackend, transaction_id: str) -> TransactionState:
        return TransactionState.COMMITTED

    monkeypatch.setattr(RemoteBackend, "settle", all_is_well)
    campaign = NodeCampaign(tmp_path, seed=4)
    campaign.one_node(1, 6, every_step=True)
    assert campaign.result.verdict.count(LOST) > 0
