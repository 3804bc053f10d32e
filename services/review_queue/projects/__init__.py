"""Projects: stated over HTTP, kept in SQL, published to the store."""
