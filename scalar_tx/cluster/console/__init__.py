"""What does an operator see in a browser, and what may they do there?

``/console`` on the node's HTTP port. The supervisor serves the page and keeps who is logged in; it
has no database, so whatever is asked of one, it asks a worker over the channel between the two:
``calls`` is the worker's side, ``asking`` the supervisor's. No transaction waits for any of it.

A browser gets the name of a session by cookie, never a token. Every POST bears what only a page of
this node can have read (``csrf``). Whoever is nobody sees nothing but the page to log in, and what
``/metrics`` tells everybody; whoever is somebody sees their own open transactions, and records of
tables on which they have SELECT; superusers see all. Beyond this machine there is no console
without TLS (``exposure``).
"""
