"""Version 1 of the messages (``proto/scalar_auditor/v1``)."""
