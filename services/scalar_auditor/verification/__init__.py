"""Was a file altered? Histories of digests that nobody changes unseen."""
