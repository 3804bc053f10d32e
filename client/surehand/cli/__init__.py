"""The command line ``surehand``: the extra ``cli`` has what it needs."""
