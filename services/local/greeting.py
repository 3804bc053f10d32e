"""What a person sees when everything runs: addresses, tokens, and a request that works."""

import shlex
import sys

import httpx
import orjson

from services.local.home import Home
from services.local.installation import Installation

_EXAMPLE = "What a lovely day, thank you all so much :)"


async def greet(installation: Installation, home: Home, note: str | None) -> None:
    """Print URLs, tokens and a ``curl`` command with the answer that it gives."""
    addresses = installation.addresses
    lines = ["", "Surehand is ready."]
    lines += [f"  {name:<13}{url}/docs" for name, url in sorted(addresses.items())]
    lines += [f"  reviewers    {addresses['review_queue']}/ui/"]
    lines += [f"  tokens       {home.tokens_file}", f"  log          {home.log_file}"]
    if note:
        lines += ["", note]
    body = orjson.dumps({"items": [{"data": {"text": _EXAMPLE}}]}).decode()
    address = f"{addresses['router']}/v1/projects/demo/predict"
    answer = await _ask(address, installation.tokens["caller"], body)
    if answer is None:
        lines += ["", "Next: docs/tutorials/your-own-data.md labels, trains and serves a CSV."]
    else:
        lines += ["", "Try it:", "", _curl(address, installation.tokens["caller"], body), ""]
        lines += [f"The answer: {answer}"]
    sys.stdout.write("\n".join(lines) + "\n\nCtrl-C stops everything.\n\n")
    sys.stdout.flush()


def _curl(address: str, token: str, body: str) -> str:
    return (
        f"curl -s {shlex.quote(address)} \\\n"
        f"  -H 'Authorization: Bearer {token}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(body)}"
    )


async def _ask(address: str, token: str, body: str) -> str | None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            # `never`: the greeting is no traffic, and makes no task.
            probe = {**orjson.loads(body), "review": "never"}
            answer = await client.post(address, content=orjson.dumps(probe), headers=headers)
    except httpx.TransportError:
        return None  # a router that is just being restarted must not end the launcher
    if answer.status_code != httpx.codes.OK:
        return None
    first = answer.json()["predictions"][0]
    confidence = first["confidence"]
    shown = "no model yet" if confidence is None else f"confidence {confidence:.3f}"
    if first["label"] is None:
        return f"in_review, a person is asked (suggestion {first['suggestion']}, {shown})"
    return f"answered, {first['label']} ({shown})"
