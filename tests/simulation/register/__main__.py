"""``python -m tests.simulation.register``: runs seeds, or replays one of them step by step."""

from __future__ import annotations

import sys
from typing import Final

from tests.simulation.parts import command
from tests.simulation.register.bugs import PLANTED
from tests.simulation.register.floors import FLOORS
from tests.simulation.register.schedule import Schedules

PROGRAM: Final = "tests.simulation.register"


def main(arguments: list[str] | None = None) -> int:
    """0: nothing is wrong; 1: something is; 2: too little was met to tell."""
    parser = command.parser(f"python -m {PROGRAM}", __doc__)
    parser.add_argument("--plant", choices=list(PLANTED), help="with this bug in the protocol")
    given = parser.parse_args(arguments)
    run = Schedules(given.plant)
    return command.carry_out(
        given,
        run,
        FLOORS,
        lambda seed: command.replay(seed, run, PROGRAM, whole=given.whole),
    )


if __name__ == "__main__":
    sys.exit(main())
