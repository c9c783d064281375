"""What are the messages on the wire? Modules that ``make protos`` makes of ``proto/``.

Messages and descriptors only: services are served from their descriptors, so that no generated
code stands between gRPC and ours.
"""
