"""Files and folders that this process keeps on its disk."""
