"""``scalar-auditor tables``: which files say what tables the services need?"""

from __future__ import annotations

from scalar_tx.cli.options import Json


def tables(*, json: Json = False) -> None:
    """Print the schema files of the five namespaces, for: scalar-tx schema apply FILE..."""
    from scalar_auditor.schema_files import schema_files
    from scalar_tx.cli.output import print_json

    found = [str(one) for one in schema_files()]
    if json:
        print_json(found)
        return
    for one in found:
        print(one)
