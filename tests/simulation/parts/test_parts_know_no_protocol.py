"""Could another protocol use the simulator's parts?

They import neither the library nor anything else of the simulation, not even for a type: whoever
simulates something imports them.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PARTS = "tests.simulation.parts"
MODULES = sorted(HERE.glob("*.py"))


def imported(source: str) -> set[str]:
    """All modules that a module of the parts imports, wherever in it, by their full names."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = PARTS.split(".")[: len(PARTS.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def foreign(source: str) -> list[str]:
    ours = ("scalar_tx", "scalar_schema", "tests")
    return sorted(
        name
        for name in imported(source)
        if name.partition(".")[0] in ours and not f"{name}.".startswith(f"{PARTS}.")
    )


def test_there_are_parts() -> None:
    assert {"scheduler.py", "network.py", "messages.py", "disk.py"} <= {
        path.name for path in MODULES
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_part_knows_no_protocol(path: Path) -> None:
    assert foreign(path.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        "import scalar_tx",
        "from scalar_tx.errors import ConflictError",
        "from tests.simulation.plan import Plan",
        "from tests.simulation import parts_of_another_kind",
        "from ..plan import Plan",
        "def late():\n    import scalar_tx.model.state",
        "if TYPE_CHECKING:\n    from tests.simulation.world import World",
    ],
)
def test_knowing_one_is_noticed(line: str) -> None:
    assert len(foreign(line)) == 1


def test_knowing_one_another_is_not() -> None:
    lines = (
        f"import random\nfrom {PARTS}.dice import Dice\nfrom {PARTS} import dice\n"
        "from .log import Kind\nfrom . import log"
    )
    assert foreign(lines) == []
