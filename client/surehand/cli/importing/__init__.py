"""``surehand import``: a file of items, labelled or not."""

from surehand.cli.importing.command import import_file

__all__ = ["import_file"]
