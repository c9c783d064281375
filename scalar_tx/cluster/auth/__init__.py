"""Who is it that calls the node, and what may they do?

A user logs in with a name and a password and gets two opaque tokens: one for calls, good for 30
minutes, and one that is exchanged, once, for the next two, until 12 hours have passed. Every call
carries the first. Whoever presents an exchanged one again ends everything that came of that log-in:
one of the two who hold it has stolen it. The database holds no token and no password, only a
SHA-256 of the ones (256 bits of chance need no slow hash) and an Argon2id of the others.

Nothing is allowed that was not granted, to the user or to a role they have, on the table or its
namespace; a write needs SELECT as well only where it tells something about what is there.
Superusers may do everything, and are the only ones who make users, roles and namespaces; but not
even they reach the node's own namespaces through transactions. There is no password that everybody
knows: a node without users makes one superuser with a secret of chance and shows it once.

Users, roles, grants and tokens are tables of the namespace ``scalar_tx``, changed by transactions
like any others: what one node changes holds for all. A worker remembers for 4 seconds at most what
it found out about a token, so that a change is seen everywhere within 5; when the database can't be
asked, nobody is let in. A token is dead when its row is gone, or when its user has another stamp
than it: with a new password, or none of the user left, all are dead at once, however many there
are.

One password is hashed at a time on a node, a few wait, and more are refused before they cost
anything; so are more than ten log-ins a second, and those of a name whose passwords were wrong
again and again. All of that counts what the workers of a node do together, in files that they map
and lock. A wrong name costs what a wrong password costs, and both are answered with one sentence;
what it was stands in the log ``scalar_tx.security``, with every log-in, grant, settle and pause.

``passwords``, ``tokens`` and ``token_store`` know nothing of the node's users; the services use
them for their own. ``authenticator`` is what a worker asks, ``permissions`` what it checks,
``principals`` what an administrator changes. Whether the one who asks for a change may have it, is
checked by whoever calls ``principals``: ``permissions.check_superuser`` and ``check_grant``.
"""
