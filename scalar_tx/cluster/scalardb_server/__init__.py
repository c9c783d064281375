"""How does an unmodified Java client of ScalarDB use a node? Through ScalarDB Server's protocol.

``services`` makes the handlers of a listener. ``transactions``, ``two_phase`` and ``storage`` serve
streams, each of them one ``streams.Stream``; ``calls`` serves the rest.

``columns``, ``operations``, ``results`` and ``metadata`` translate between the protocol's messages
and ``scalar_tx.model``: pure functions, which ask nobody and decide nothing about transactions.
Numbers in brackets are sections of the protocol's description.
"""
