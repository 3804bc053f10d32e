"""Jobs that score many items under the promise: files, and the rest of a pool."""
