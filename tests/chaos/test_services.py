"""Do the five services keep what they promise while the processes of their node are killed?

``make chaos SERVERS=services`` is the long run; this is a shorter one.
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
