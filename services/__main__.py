"""The command line of a Surehand installation: ``python -m services COMMAND``.

``up`` and ``demo`` run everything on this machine; ``router``, ``review_queue`` and ``trainer`` run
one service, as containers do; ``migrate`` brings a database up to date; ``restored`` is to be run
after a database was restored from a backup; ``replay`` makes recorded decisions of an item again;
``verify-certificate`` recomputes an exported certificate; ``token`` prints a token.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from services.serving import SERVICES, exit_status, load_service_settings, migrate, restored, serve
from services.supervisor import OPTION
from services.workers import supervise
from shared.auth import ROLES, Keys
from shared.settings import CommonSettings, SettingsError, load_settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status (2: the environment or the call is wrong)."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.run
    return exit_status(lambda: command(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="surehand", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="run Redis and all three services on this machine")
    up.set_defaults(run=_up)
    demo = commands.add_parser("demo", help="tell the whole story in a temporary home")
    demo.set_defaults(run=_demo)
    for name in SERVICES:
        one = commands.add_parser(name, help=f"run the {name} alone")
        one.set_defaults(run=_serve, service=name)
        # A supervisor's own: the pipe that signs of life go to.
        one.add_argument(OPTION, type=int, dest="heartbeat", help=argparse.SUPPRESS)
        if name == "router":
            one.add_argument("--workers", help="processes that share the port; default 1")
    for name, work, words in (
        ("migrate", migrate, "bring a service's database up to date"),
        ("restored", restored, "say that a database was restored from a backup"),
    ):
        one = commands.add_parser(name, help=words)
        one.add_argument("service", choices=["review_queue", "trainer"])
        one.set_defaults(run=_with_database, work=work)
    again = commands.add_parser("replay", help="make an item's recorded decisions again")
    again.add_argument("--project", required=True)
    again.add_argument("--item", required=True)
    again.set_defaults(run=_replay)
    check = commands.add_parser("verify-certificate", help="recompute an exported certificate")
    check.add_argument("file", type=Path, help="what GET …/versions/V/certificate/export gave")
    check.set_defaults(run=_verify_certificate)
    token = commands.add_parser("token", help="print a token, alone on standard output")
    token.add_argument("--role", required=True, choices=ROLES)
    token.add_argument("--subject", required=True, help="who acts, in every record")
    token.add_argument("--project", action="append", help="only for this project (repeatable)")
    token.add_argument("--hours", type=float, default=24.0)
    home_help = "folder with `keys`, made there when there are none; default SUREHAND_HOME"
    token.add_argument("--home", type=Path, help=home_help)
    token.set_defaults(run=_token)
    return parser


def _up(_: argparse.Namespace) -> int:
    from services.local.launcher import up  # noqa: PLC0415 - containers lack the local extra

    return up()


def _demo(_: argparse.Namespace) -> int:
    from services.local.demonstration import demonstrate  # noqa: PLC0415 - as above

    return demonstrate()


def _serve(options: argparse.Namespace) -> int:
    common = load_settings(CommonSettings)
    workers = getattr(options, "workers", None)
    given = {} if workers is None else {"workers": workers}
    settings = load_service_settings(options.service, **given)
    count = getattr(settings, "workers", 1)
    if count > 1:
        return supervise(options.service, common, settings, count, options.heartbeat)
    serve(options.service, common, settings, heartbeat=options.heartbeat)
    return 0


def _with_database(options: argparse.Namespace) -> int:
    common, settings = load_settings(CommonSettings), load_service_settings(options.service)
    if message := asyncio.run(options.work(options.service, common, settings)):
        sys.stderr.write(f"surehand: {message}\n")
    return 0


def _replay(options: argparse.Namespace) -> int:
    from services.replay import replay  # noqa: PLC0415 - needs router and trainer both
    from services.trainer.settings import TrainerSettings  # noqa: PLC0415 - likewise

    common, settings = load_settings(CommonSettings), load_settings(TrainerSettings)
    return replay(common, settings, options.project, options.item)


def _verify_certificate(options: argparse.Namespace) -> int:
    from services.certificate_check import verify_certificate  # noqa: PLC0415 - needs the trainer

    return verify_certificate(options.file)


def _token(options: argparse.Namespace) -> int:
    home = (options.home or load_settings(CommonSettings).home).resolve()
    keys = Keys(home / "keys")
    if not keys.kids() and not (options.home and home.is_dir()):
        raise SettingsError(
            f"There are no keys in {home}: name the home of the Surehand that the token is for "
            "(SUREHAND_HOME or --home), or start it first. "
            "New keys are made in a folder that exists and is named by --home."
        )
    if options.home is None and not (home / "ready").exists():
        sys.stderr.write(f"surehand: signed with the keys of {home}, where nothing is ready.\n")
    sys.stdout.write(
        keys.issue(options.role, options.subject, projects=options.project, hours=options.hours)
        + "\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
