"""What are the messages on the wire? Modules that ``make protos`` makes of ``proto/``."""
