"""One item, followed through all services by its trace."""
