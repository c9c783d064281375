"""How do programs on other machines take part? By a node that they call, over gRPC.

A node speaks the open protocol of ScalarDB Server, so that an unmodified Java client of the
releases 3.1 to 3.13 works with it.
"""
