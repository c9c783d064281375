"""ScalarDB's Consensus Commit, whole: how records of any databases change together or not at all.

A transaction works on copies. It reads records, remembers whose they were, and keeps its writes to
itself (``snapshot``, ``read``, ``scan``, ``write``). At commit it *prepares* each record: a
conditional write puts the new values beside the old ones, under the transaction's id, if the record
is still the one that was read, or is settled if it was not read (``unread``). Then it *validates*:
at SERIALIZABLE it reads again whatever it did not write. Then it *decides*: one row in the
coordinator table, inserted if absent, says COMMITTED. That row is the commit; all else before it
can be undone and all else after it will be done. Last it *finishes* its records, rolling them
forward (``commit``; ``validate``; ``coordinator_state``).

Whoever meets a prepared record of somebody else looks at that row. COMMITTED: the new values count.
ABORTED: the old ones, kept in the record itself. No row: the writer may be alive, so hands off, for
15 seconds; after that the reader inserts ABORTED himself, and whichever insert came first has
decided (``recover``; ``settle`` for one's own lost replies).

Nothing here waits by itself or knows a database: it awaits the ``Storage`` and the ``Runtime`` it
was handed. Start with ``commit.py``; ``record.py`` shows what the rows look like.
"""
