"""Messages and documents that cross a service boundary, as docs/reference/http.md gives them."""
