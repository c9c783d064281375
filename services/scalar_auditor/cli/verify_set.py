"""``scalar-auditor verify-set``: was any file of an audit set altered?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from scalar_auditor.cli import output
from scalar_auditor.cli.calling import calling
from scalar_auditor.cli.options import SetId
from scalar_auditor.cli.verify import print_verdict
from scalar_tx.cli.options import Json

if TYPE_CHECKING:
    from scalar_auditor.client import AuditorClient

_TRIES: Final = 5  # in a row without an item verified
_PAUSE: Final = 1.0  # seconds between them


@calling
def verify_set(
    audit_set: SetId,
    *,
    after: Annotated[
        str, typer.Option("--after", metavar="ITEM", help="Go on behind that item.")
    ] = "",
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Verify each item of a set. A stream that breaks off is taken up again where it was.

    Exit code 1: something was tampered with, or not all could be verified.
    """
    from scalar_tx.cli.output import print_json
    from scalar_tx.cli.progress import progress

    seen = Seen(after)
    with progress() as bar:
        task = bar.add_task("verifying", total=None)
        for message in resumed(client, audit_set, seen):
            bar.update(task, completed=seen.verified, total=seen.total)
            if not json:
                for verdict in message.verdicts:
                    if verdict.tampering_status == "TAMPERED":
                        print_verdict(verdict)
    if json:
        print_json(seen.as_data())
    else:
        print(
            f"{seen.verified} verified, {seen.tampered} tampered with, "
            f"{seen.not_monitored} not monitored"
        )
    if seen.tampered:
        raise typer.Exit(1)


class Seen:
    """What was heard of a verification, also of the streams that broke off."""

    def __init__(self, after: str) -> None:
        self.after = after
        self.verified = self.total = self.tampered = self.not_monitored = 0
        self.verdicts: list[dict[str, Any]] = []  # of what was tampered with
        self._before = (0, 0, 0)

    def begins_anew(self) -> None:
        """A stream begins, whose numbers count from 0."""
        self._before = (self.verified, self.tampered, self.not_monitored)

    def add(self, message: Any) -> None:
        """A message of the stream."""
        verified, tampered, not_monitored = self._before
        self.verified = verified + message.verified
        self.tampered = tampered + message.tampered
        self.not_monitored = not_monitored + message.not_monitored
        self.total = verified + message.total
        self.after = message.last_item_id or self.after
        self.verdicts += [
            output.plain(one) for one in message.verdicts if one.tampering_status == "TAMPERED"
        ]

    def as_data(self) -> dict[str, Any]:
        """All of it for programs."""
        return {
            "verified": self.verified,
            "tampered": self.tampered,
            "not_monitored": self.not_monitored,
            "verdicts": self.verdicts,
        }


def resumed(client: AuditorClient, audit_set: str, seen: Seen) -> Any:
    """The messages of a verification to its end, over as many streams as it takes.

    AuditorError: streams break off again and again, or the set can't be verified.
    """
    from scalar_auditor.client import AuditorError

    tries = 0
    while True:
        seen.begins_anew()
        try:
            for message in client.verification.verify_audit_set(
                audit_set_id=audit_set, after_item_id=seen.after
            ):
                if message.verified:
                    tries = 0
                seen.add(message)
                yield message
        except AuditorError as error:
            tries += 1
            if error.code not in {"UNAVAILABLE", "CANCELLED", "ABORTED"} or tries >= _TRIES:
                error.advice = f"{error.advice}; go on with --after {seen.after or ITEM_NONE}"
                raise
            time.sleep(_PAUSE)
        else:
            return


ITEM_NONE: Final = "''"  # from the beginning, as a shell takes it
