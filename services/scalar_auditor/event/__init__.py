"""What happened to files, and who looked."""
