"""How the protocol waits: on threads, on an event loop, or under a seeded scheduler."""
