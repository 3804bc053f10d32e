"""Recompute an exported certificate: ``services verify-certificate``."""

import sys
from pathlib import Path

from services.trainer.promise.proof.verification import DifferenceError, Export, verify
from shared.settings import SettingsError


def verify_certificate(path: Path) -> int:
    """Print what the recomputation of the file comes to; 0: it agrees, 1: it does not."""
    try:
        with path.open("rb") as lines:
            export = verify(lines)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except DifferenceError as difference:
        sys.stdout.write(f"differs: {difference}\n")
        return 1
    sys.stdout.write(f"agrees: {_sentence(export)}\n")
    return 0


def _sentence(export: Export) -> str:
    header, certificate = export.header, export.header.certificate
    return (
        f"{header.version} of {header.project}: {certificate.errors} of the {certificate.accepted} "
        f"labels at confidence {certificate.threshold:.6g} and above are errors, so the error is "
        f"at most {certificate.upper_bound:.2%} with confidence {1 - certificate.delta:.1%}; "
        f"{certificate.labels} labels were drawn from {len(export.population)} items."
    )
