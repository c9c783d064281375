"""Do the scripts of whole operations play through a node as they do without one?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.node.running import Node
from tests.scenarios.script import read_script
from tests.scenarios.test_scenarios import FILES
from tests.scenarios.through_node import NodePlayer, NodeWorld, playable

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow
FEWEST = 40  # cases, each at all of its levels


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NodeWorld]:
    folder = tmp_path_factory.mktemp("node")
    file = folder / "node.db"
    place = f"jdbc:sqlite:{file}?journal_mode=WAL&synchronous=OFF"
    properties = (
        f"scalar.db.storage=jdbc\nscalar.db.contact_points={place}\nscalar.db.scan_fetch_size=2\n"
        "scalar.db.cross_partition_scan.enabled=true\n"
        "scalar.db.cross_partition_scan.filtering.enabled=true\n"
        "scalar.db.cross_partition_scan.ordering.enabled=true\n"
    )
    with Node(folder, "--workers", str(request.param), properties=properties) as node:
        world = NodeWorld(f"grpc://{node.where}", file)
        yield world
        world.close()


def test_scenarios_through_a_node(world: NodeWorld) -> None:
    played = 0
    wrong: list[str] = []
    for case in [case for path in FILES for case in read_script(path) if playable(case)]:
        played += 1
        for level in case.levels:
            player = NodePlayer(world, level)
            try:
                player.play(case)
            except AssertionError as error:
                wrong.append(str(error))
            finally:
                player.roll_back_all()
    assert wrong == [], "\n".join(wrong)
    assert played >= FEWEST
