"""What a person sees when everything runs: addresses, tokens, and a request that works."""

import json
import shlex
import sys

from services.demo.surehand import PROJECT, connected
from services.local.home import Home
from services.local.installation import Installation
from surehand import AsyncSurehand, SurehandError

_LINK_HOURS = 720
_REQUEST = {"items": [{"data": {"text": "What a lovely day, thank you all so much :)"}}]}


async def greet(installation: Installation, home: Home, note: str | None) -> None:
    """Print URLs, tokens and a ``curl`` command with the answer that it gives."""
    addresses = installation.addresses
    lines = ["", "Surehand is ready.", f"  console      {addresses['console']}/"]
    lines += [
        f"  {name:<13}{url}/docs" for name, url in sorted(addresses.items()) if name != "console"
    ]
    lines += [f"  tokens       {home.tokens_file}", f"  log          {home.log_file}"]
    lines += await _links(installation)
    if note:
        lines += ["", note]
    answer = await _ask(addresses["router"], installation.tokens["caller"])
    if answer is None:
        lines += ["", "Next: docs/tutorials/your-own-data.md labels, trains and serves a CSV."]
    else:
        lines += ["", "Try it:", "", _curl(addresses["router"], installation.tokens["caller"]), ""]
        lines += [f"The answer: {answer}"]
    sys.stdout.write("\n".join(lines) + "\n\nCtrl-C stops everything.\n\n")
    sys.stdout.flush()


async def _links(installation: Installation) -> list[str]:
    """Return lines with links that sign in an operator and a reviewer, once each."""
    addresses, operator = installation.addresses, installation.tokens["operator"]
    lines = []
    try:
        async with connected(addresses, operator) as surehand:
            links = surehand.links
            made = await links.create(None, "operator", role="operator", hours=_LINK_HOURS)
            lines.append(f"  {'operator':<13}{made.url}")
            if installation.demo:
                made = await links.create(PROJECT, "reviewer", hours=_LINK_HOURS)
                lines.append(f"  {'reviewer':<13}{made.url}")
    except SurehandError:
        return []  # as below
    return [
        "",
        f"Open one of these; each works once and signs you in for {_LINK_HOURS // 24} days:",
        *lines,
    ]


def _curl(address: str, token: str) -> str:
    body = json.dumps(_REQUEST)
    return (
        f"curl -s {shlex.quote(f'{address}/v1/projects/{PROJECT}/predict')} \\\n"
        f"  -H 'Authorization: Bearer {token}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(body)}"
    )


async def _ask(address: str, token: str) -> str | None:
    try:
        async with AsyncSurehand(router=address, token=token, timeout=10) as surehand:
            # `never`: the greeting is no traffic, and makes no task.
            (first,) = await surehand.predict(PROJECT, _REQUEST["items"], review="never")
    except SurehandError:
        return None  # a router that is just being restarted must not end the launcher
    confidence = first.confidence
    shown = "no model yet" if confidence is None else f"confidence {confidence:.3f}"
    if first.label is None:
        return f"in_review, a person is asked (suggestion {first.suggestion}, {shown})"
    return f"answered, {first.label} ({shown})"
