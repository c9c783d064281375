"""The command ``scalar-schema``, and its subcommands for mounting in another one.

``app`` holds the subcommands alone: ``apply``, ``plan``, ``delete``, ``repair``, ``upgrade``,
``import``.
``main`` takes the options of ScalarDB's own loader as well, without a subcommand. Exit codes: 0
done, 1 a failure of the environment, 2 wrong use, which includes an error in a schema file.
"""

from __future__ import annotations

from scalar_schema.cli.java_form import loader
from scalar_schema.cli.subcommands import app


def main() -> None:
    """Run ``scalar-schema`` with the arguments of the process."""
    loader(prog_name="scalar-schema")


__all__ = ["app", "main"]
