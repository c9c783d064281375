"""``scalar-tx inspect``: what state is a record in, and whose is it?"""

from __future__ import annotations

from scalar_tx.cli.options import Config, Json, Key, TableName


def inspect(table: TableName, key: Key, config: Config = None, json: Json = False) -> None:
    """Show a record's state, its writer, both its images, and what would happen to it."""
    from scalar_tx.cli.keys import read_key
    from scalar_tx.cli.opening import opened, run
    from scalar_tx.cli.output import console, print_json
    from scalar_tx.cli.record_view import as_data, print_situation
    from scalar_tx.record_situation import look_at

    with opened(config, looking=True) as parts:
        found = run(parts.context.catalog.table(table))
        situation = run(look_at(parts, found, read_key(key, found)))
    if json:
        print_json(as_data(situation))
    else:
        print_situation(console(), situation)
