"""``python -m surehand.cli``, and the console script ``surehand``."""

import sys


def main() -> None:
    """Run the command line; say in one sentence if its extra is not installed."""
    try:
        from surehand.cli.app import app  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"typer", "rich", "yaml"}:
            raise
        sys.exit(
            f"surehand: the package {error.name} is missing: pip install 'surehand[cli]' adds it."
        )
    app(prog_name="surehand")


if __name__ == "__main__":
    main()
