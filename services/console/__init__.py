"""The console: one web address for the people of an installation.

It has no database and speaks only the public API of the other services, each time with the token
of the signed-in person.
"""
