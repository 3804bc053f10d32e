"""The person's editor, and texts that are kept when something fails."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from surehand.cli.failures import UserError


class Draft:
    """A text in a file of its own, readable by this user alone."""

    @staticmethod
    def keep(text: str) -> Path:
        """Write the text to a new file, which stays; return its path."""
        number, path = tempfile.mkstemp(prefix="surehand-", suffix=".yaml")
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        return Path(path)


def opened(text: str) -> str:
    """Return the text as the person left it in ``$VISUAL`` or ``$EDITOR``.

    Raises
    ------
    UserError
        There is no such editor, or it failed; the text is kept.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    path = Draft.keep(text)
    try:
        subprocess.run([*shlex.split(command), str(path)], check=True)  # noqa: S603 - the person's
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise UserError(
            f"The editor ({command}) could not be run: set EDITOR to one that is installed."
        ) from error
    finally:
        path.unlink(missing_ok=True)
