"""What a person sees when everything runs: addresses, tokens, and a request that works."""

import json
import shlex
import sys

import httpx

from services.demo.surehand import PROJECT, DemoFailed, client
from services.local.home import Home
from services.local.installation import Installation

_LINK_HOURS = 720
_REQUEST = {"items": [{"data": {"text": "What a lovely day, thank you all so much :)"}}]}


async def greet(installation: Installation, home: Home, note: str | None) -> None:
    """Print URLs, tokens and a ``curl`` command with the answer that it gives."""
    addresses = installation.addresses
    lines = ["", "Surehand is ready.", f"  console      {addresses['console']}/"]
    lines += [f"  reviewers    {addresses['review_queue']}/ui/"]
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
    wanted = [("/links", {"subject": "operator", "role": "operator", "hours": _LINK_HOURS})]
    if installation.demo:
        wanted.append((f"{PROJECT}/links", {"subject": "reviewer", "hours": _LINK_HOURS}))
    lines = []
    try:
        async with client(addresses["review_queue"], operator) as queue:
            for path, body in wanted:
                made = (await queue.post(path, json=body)).json()
                place = made["url"]
                if body.get("role") == "operator":
                    place = f"{addresses['console']}/enter?code={made['code']}"
                lines.append(f"  {body['subject']:<13}{place}")
    except (DemoFailed, httpx.TransportError):
        return []  # as below
    return [
        "",
        f"Open one of these; each works once and signs you in for {_LINK_HOURS // 24} days:",
        *lines,
    ]


def _curl(address: str, token: str) -> str:
    body = json.dumps(_REQUEST)
    return (
        f"curl -s {shlex.quote(f'{address}/v1{PROJECT}/predict')} \\\n"
        f"  -H 'Authorization: Bearer {token}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(body)}"
    )


async def _ask(address: str, token: str) -> str | None:
    # `never`: the greeting is no traffic, and makes no task.
    probe = _REQUEST | {"review": "never"}
    try:
        async with client(address, token) as router:
            answer = await router.post(f"{PROJECT}/predict", json=probe, timeout=10)
    except (DemoFailed, httpx.TransportError):
        return None  # a router that is just being restarted must not end the launcher
    first = answer.json()["predictions"][0]
    confidence = first["confidence"]
    shown = "no model yet" if confidence is None else f"confidence {confidence:.3f}"
    if first["label"] is None:
        return f"in_review, a person is asked (suggestion {first['suggestion']}, {shown})"
    return f"answered, {first['label']} ({shown})"
