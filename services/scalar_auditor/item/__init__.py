"""Files and folders as the cloud drive has them."""
