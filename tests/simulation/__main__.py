"""``python -m tests.simulation``: runs seeds, or replays one of them as a script."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scalar_tx.model.isolation import Isolation
from tests.simulation.floors import FLOORS, IN_PARTS
from tests.simulation.parts import command
from tests.simulation.planted import PLANTED
from tests.simulation.replay import PROGRAM, replay
from tests.simulation.schedule import CHOICES, Schedules
from tests.simulation.switches import NAMES

if TYPE_CHECKING:
    from tests.simulation.parts.many import Floors


def main(arguments: list[str] | None = None) -> int:
    """0: nothing is wrong; 1: something is; 2: too little was met to tell."""
    parser = command.parser(f"python -m {PROGRAM}", __doc__)
    parser.add_argument("--workload", choices=CHOICES, help="this one only")
    parser.add_argument(
        "--level",
        type=Isolation.parse,
        action="append",
        default=[],
        help="SERIALIZABLE, SNAPSHOT or READ_COMMITTED only; several are mixed",
    )
    parser.add_argument("--plant", choices=list(PLANTED), help="with this bug in the protocol")
    parser.add_argument(
        "--switch",
        type=_switch,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"an option of the protocol that no seed shall draw, 0 is off: {', '.join(NAMES)}",
    )
    parser.add_argument("--trace", action="store_true", help="show every step, not a script")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep the script of a failure")
    given = parser.parse_args(arguments)
    schedules = Schedules(given.workload, tuple(given.level), given.plant, dict(given.switch))
    return command.carry_out(
        given,
        schedules,
        _floors(schedules),
        lambda seed: replay(seed, schedules, whole=given.whole, trace=given.trace, save=given.save),
    )


def _switch(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    if name not in NAMES or not value.isdecimal():
        raise argparse.ArgumentTypeError(
            f"{text!r} is not one of {', '.join(NAMES)}, = and a number"
        )
    return name, int(value)


def _floors(schedules: Schedules) -> Floors | None:
    if schedules.levels or schedules.switched:
        return None
    return {None: FLOORS, "two-phase": IN_PARTS}.get(schedules.workload)


if __name__ == "__main__":
    sys.exit(main())
