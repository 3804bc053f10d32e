"""``make demo``: the whole story in a temporary home, and its report."""

import asyncio
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson

from services.demo.plan import Plan
from services.demo.story import tell
from services.demo.surehand import DemoFailed, connected
from services.demo.texts import DemoDataUnavailable, load_texts
from services.local.home import Home
from services.local.installation import SERVICE_NAMES, Installation
from services.local.launcher import running
from services.local.seeding import STAGES, cache_folder, progress_bars, workforce_of
from shared.home import prepare_home
from shared.logs import configure_logging
from shared.settings import CommonSettings, SettingsError, load_settings
from surehand import SurehandError

Told = tuple[dict[str, object], list[str]]
Tell = Callable[[Installation, Home], Awaitable[Told]]


def demonstrate() -> int:
    """Run the demo; print its report and write it to ``SUREHAND_HOME/demo-report.json``."""
    return tell_in_temporary_home("demo", _story)


def tell_in_temporary_home(name: str, tell: Tell) -> int:
    """Run all services in a temporary home, and `tell` against them; return the exit status.

    The lines that it returns are printed, and the document is ``SUREHAND_HOME/NAME-report.json``.
    The home is removed afterwards, also on Ctrl-C and SIGTERM.

    Raises `SettingsError`: the story stopped; the message has the end of the log.
    """
    common = load_settings(CommonSettings)
    configure_logging(name, common.log_level)
    home = prepare_home(common.home)
    folder = Path(tempfile.mkdtemp(prefix="surehand-demo-"))
    started = time.monotonic()
    # SIGTERM unwinds like Ctrl-C: children stop, and the temporary home goes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        document, lines = asyncio.run(_told(_installation(common, folder), tell))
    except KeyboardInterrupt:
        sys.stdout.write("\nStopped.\n")
        return 130
    except (DemoFailed, DemoDataUnavailable, SurehandError) as error:
        log = folder / "surehand.log"
        tail = log.read_text()[-3000:] if log.exists() else ""
        raise SettingsError(f"The demo stopped: {error}\n{tail}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    path = home / f"{name}-report.json"
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    seconds = time.monotonic() - started
    sys.stdout.write("\n" + "\n".join(lines) + f"\n\n{seconds:.0f} s in all; report: {path}\n")
    return 0


async def _told(installation: Installation, tell: Tell) -> Told:
    async with running(installation) as home:
        return await tell(installation, home)


def _installation(common: CommonSettings, folder: Path) -> Installation:
    # Free ports and a home of its own: it runs beside an installation that is in use.
    own = common.model_copy(update={"home": folder, "store_url": "", "redis_url": ""})
    return Installation(own, {name: _free_port(own.bind_host) for name in SERVICE_NAMES}, False)


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


async def _story(installation: Installation, home: Home) -> Told:
    plan = Plan.of(load_texts(cache_folder()))
    workforce = workforce_of(installation, home, plan.texts)
    token = installation.tokens["operator"]
    async with connected(installation.addresses, token) as surehand:
        with progress_bars(STAGES) as progress:
            report = await tell(surehand, workforce, plan, progress)
    return report.document(), report.lines()
