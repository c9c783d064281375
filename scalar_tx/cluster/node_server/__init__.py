"""How does a node serve our own protocol, ``scalar_tx.v1``?

The third face of the library: what ``Transaction`` is to threads and ``AsyncTransaction`` to tasks,
the streams here are to clients elsewhere. ``calls`` serves methods and turns errors into statuses,
``transact`` is one transaction on one stream, ``execute`` one in one call, the others are what
their names say. ``services`` puts them together.
"""
