"""Why do the two servers differ? By rows of ``docs/differences-from-scalardb.md``."""

from __future__ import annotations

from typing import Final

SOONER: Final = "what can't be: keys and columns that don't fit, a table without transactions"
WROTE_NOTHING: Final = "a commit that wrote nothing"
LIST: Final = "a list of writes, one of which is refused"
FETCH_COUNT: Final = "`fetch_count` of 0 or less"
TWICE: Final = "a record twice in one call without transaction, a column twice in one record"
UNSEEN: Final = "a table without transactions, asked for through transaction administration"
INDEXES: Final = "an index of a transactional table"
NO_TABLE: Final = "a table of which something is missing"
CONDITION: Final = "a condition in a transaction that compares nothing, or with NULL"
WORDS: Final = "words of an error that has no number"
NOT_VALIDATED: Final = "commit of a part that was prepared, and must be validated"
