"""Do the five services keep what they promise while the processes of their node are killed?

``make chaos SERVERS=services`` is the long run; these are a shorter one, and the proof that what is
wrong would be noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.services_campaign import ServicesCampaign, floors_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.kill

KILLS = 12


def test_the_services_keep_what_they_promise_when_their_node_is_killed(tmp_path: Path) -> None:
    outcome = ServicesCampaign(tmp_path, seed=1).run(KILLS)
    assert outcome.wrong == []
    assert outcome.too_little(floors_of(KILLS)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "planted, noticed",
    [
        ("item_events_apart", "item_events: lost"),
        ("view_logged_behind_the_answer", "views answered"),
        ("leavers_stay_in_groups", "audit.audit_group_members still names"),
    ],
)
def test_a_mistake_of_a_service_is_noticed(tmp_path: Path, planted: str, noticed: str) -> None:
    wrong = ServicesCampaign(tmp_path, seed=2, planted=planted).run(KILLS).wrong
    assert any(noticed in text for text in wrong)
