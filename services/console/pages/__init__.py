"""The pages: a folder each, with its routes and what it makes of the services' answers."""
