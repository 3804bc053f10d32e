"""How the demo reads the trainer's documents about a version's certification (pure)."""

from typing import Any


def has_ended(certificate: dict[str, Any], version: str) -> bool:
    """Whether the certification of `version` has ended, or lacks posts that will not come.

    Between two draws the newest attempt waits without a detail; a detail says what it lacks.
    """
    if certificate["version"] != version or certificate["state"] == "open":
        return False
    return certificate["state"] != "waiting" or certificate["detail"] is not None


def obstacle(certificate: dict[str, Any], version: dict[str, Any]) -> str:
    """Why `version` does not answer under a certificate of its own; empty if it does."""
    if certificate["state"] != "certified":
        reason = str(certificate["detail"]).removeprefix("not certified: ")
        return f"{version['version']} was not certified ({reason})."
    if "champion" in version["channels"]:
        return ""
    reasons = "; ".join(version["gate"]["certification"]["reasons"])
    return f"{version['version']} is certified and does not replace the champion ({reasons})."
