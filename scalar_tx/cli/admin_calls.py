"""What do the commands share that call nodes?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from scalar_tx.cluster.admin_client import Answer, Trust

Addresses: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="ADDRESS...",
        help="Nodes; with their admin port if it is not 60054.",
        show_default=False,
    ),
]
Tls: TypeAlias = Annotated[bool, typer.Option("--tls", help="Reach the nodes over TLS.")]
Ca: TypeAlias = Annotated[
    str | None,
    typer.Option("--ca-root-cert-path", metavar="FILE", help="Trust nodes signed by this CA."),
]
Authority: TypeAlias = Annotated[
    str | None,
    typer.Option("--override-authority", metavar="NAME", help="The name in their certificate."),
]
Certificate: TypeAlias = Annotated[
    str | None,
    typer.Option("--cert-path", metavar="FILE", help="Show this certificate, where nodes ask."),
]
CertificateKey: TypeAlias = Annotated[
    str | None, typer.Option("--key-path", metavar="FILE", help="The key of that certificate.")
]


def trust(
    *,
    tls: bool,
    ca: str | None,
    authority: str | None,
    certificate: str | None,
    key: str | None,
) -> Trust:
    """How nodes are reached. SettingsError: what calls them is not installed."""
    from scalar_tx.errors import InvalidOperationError, SettingsError

    if not tls and any((ca, authority, certificate, key)):
        raise InvalidOperationError(
            "an option of TLS was given without --tls", advice="Add --tls, or leave it out"
        )
    try:
        from scalar_tx.cluster.admin_client import Trust
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"calling a node needs the module {error.name}, which is not installed",
            advice='Run: pip install "scalar-tx[cluster]"',
            code="STX-3029",
        ) from error
    return Trust(tls, ca, authority, certificate, key)


def end_with(calls: Coroutine[Any, Any, list[Answer]], *, json: bool) -> None:
    """Call the nodes, print what each answered; exit code 1 if one could not do it."""
    import asyncio

    from scalar_tx.cli.failures import ENVIRONMENT
    from scalar_tx.cli.output import print_json

    answers = asyncio.run(calls)
    if json:
        print_json([answer.as_data() for answer in answers])
    else:
        for answer in answers:
            typer.echo(f"{answer.address}: {_words(answer)}", err=answer.error is not None)
    if any(answer.error is not None for answer in answers):
        raise typer.Exit(ENVIRONMENT)


def _words(answer: Answer) -> str:
    if answer.error is not None:
        return answer.error
    words = ["paused" if answer.found["paused"] else "not paused"]
    if "ready" in answer.found:
        words.append("ready" if answer.found["ready"] else "not ready")
    return ", ".join(words)
