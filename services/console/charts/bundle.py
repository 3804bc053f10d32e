"""The script that draws charts in browsers: Vega, Vega-Lite and Vega-Embed in one file.

It is made once by `vl-convert-python` and kept in the home, by the package's version. Making it
takes a JavaScript engine of some 100 MB and five seconds, so a process of its own does it.
"""

import asyncio
import gzip
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from shared.home import write_private
from shared.loops import cancel_all

_MAKE = "import sys, vl_convert; sys.stdout.write(vl_convert.javascript_bundle())"
_MADE_WITHIN_SECONDS = 300


@dataclass
class Bundle:
    """The bundle, compressed by gzip; kept in the folder `home`."""

    home: Path
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)
    _content: bytes = b""
    _preparing: asyncio.Task[bytes] | None = None

    @property
    def name(self) -> str:
        """The file's name, another for each version."""
        return f"vega-{version('vl-convert-python')}.js"

    def prepare(self) -> None:
        """Begin to make the script, where there is none yet: a person is about to want it."""
        if self._preparing is None:
            self._preparing = asyncio.create_task(self.content())

    async def close(self) -> None:
        """End what `prepare` began."""
        if self._preparing is not None:
            await cancel_all([self._preparing])

    async def content(self) -> bytes:
        """Return the compressed script.

        Raises `RuntimeError` (it could not be made).
        """
        async with self._making:
            if not self._content:
                file = self.home / f"{self.name}.gz"
                if not file.exists():
                    await _make(file)
                self._content = await asyncio.to_thread(file.read_bytes)
        return self._content


async def _make(file: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _MAKE, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_MADE_WITHIN_SECONDS):
            script, _ = await process.communicate()
    except TimeoutError as error:
        raise RuntimeError("the script of charts was not made in time") from error
    finally:
        if process.returncode is None:
            process.kill()
            # Until it is gone, and its output closed.
            await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the script of charts was not made: status {process.returncode}")
    await asyncio.to_thread(_write, file, script)


def _write(file: Path, script: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, gzip.compress(script, mtime=0))
