"""Tokens: who may come in, and who may not."""

import shutil
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.auth import Keys, Verifier
from shared.problems import Unauthorized
from tests.harness.clock import SecondsClock


def test_token_says_who_acts_and_where(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    token = keys.issue("reviewer", "r7", projects=["shop"], hours=1)
    principal = Verifier(keys.public_folder).verify(token)
    assert (principal.subject, principal.role) == ("r7", "reviewer")
    assert principal.may_enter("shop")
    assert not principal.may_enter("bank")


def test_token_without_projects_is_for_all(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    principal = Verifier(keys.public_folder).verify(keys.issue("caller", "app"))
    assert principal.may_enter("anything")


def test_private_key_is_private(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    kid = keys.ensure()
    assert (tmp_path / "keys" / f"{kid}.key.pem").stat().st_mode & 0o777 == 0o600


def test_remembered_token_expires_all_the_same(tmp_path: Path) -> None:
    moment = time.time()
    keys = Keys(tmp_path)
    verifier = Verifier(keys.public_folder, now=lambda: moment)
    token = keys.issue("caller", "app", hours=1, now=lambda: moment)
    assert verifier.verify(token).subject == "app"
    moment += 3601
    with pytest.raises(Unauthorized, match="expired"):
        verifier.verify(token)


def test_key_made_after_the_start_is_found(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    verifier = Verifier(keys.public_folder)
    assert verifier.verify(keys.issue("caller", "app")).role == "caller"


def test_token_of_a_removed_key_is_refused_within_seconds_though_it_is_remembered(
    tmp_path: Path,
) -> None:
    clock, keys, other = (
        SecondsClock(time.time()),
        Keys(tmp_path / "keys"),
        Keys(tmp_path / "other"),
    )
    verifier = Verifier(keys.public_folder, clock)
    token, kid = keys.issue("operator", "anna"), keys.ensure()
    staying = other.issue("operator", "ben")
    (other.public_folder / f"{other.ensure()}.pem").rename(
        keys.public_folder / f"{other.ensure()}.pem"
    )
    assert verifier.verify(token).subject == "anna"
    (keys.public_folder / f"{kid}.pem").unlink()
    clock.moment += 2
    with pytest.raises(Unauthorized, match="SUREHAND_HOME"):
        verifier.verify(token)
    assert verifier.verify(staying).subject == "ben"


def test_removing_a_key_counts_though_the_clock_was_set_back(tmp_path: Path) -> None:
    clock, keys = SecondsClock(time.time()), Keys(tmp_path)
    verifier = Verifier(keys.public_folder, clock)
    token = keys.issue("operator", "anna")
    verifier.verify(token)
    shutil.rmtree(keys.public_folder)
    clock.moment -= 3600
    with pytest.raises(Unauthorized):
        verifier.verify(token)


def test_key_that_is_replaced_under_its_name_verifies_no_earlier_token(tmp_path: Path) -> None:
    clock, keys, other = (
        SecondsClock(time.time()),
        Keys(tmp_path / "keys"),
        Keys(tmp_path / "other"),
    )
    verifier = Verifier(keys.public_folder, clock)
    token = keys.issue("operator", "anna")
    verifier.verify(token)
    (other.public_folder / f"{other.ensure()}.pem").replace(
        keys.public_folder / f"{keys.ensure()}.pem"
    )
    clock.moment += 2
    with pytest.raises(Unauthorized):
        verifier.verify(token)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PUBLIC KEY-----\nMCow", b"no key"])
def test_half_written_key_leaves_the_others_trusted_and_counts_once_it_is_whole(
    tmp_path: Path, content: bytes
) -> None:
    clock, keys, other = (
        SecondsClock(time.time()),
        Keys(tmp_path / "keys"),
        Keys(tmp_path / "other"),
    )
    verifier = Verifier(keys.public_folder, clock)
    token, late = keys.issue("caller", "app"), other.issue("caller", "late")
    whole = other.public_folder / f"{other.ensure()}.pem"
    half = keys.public_folder / whole.name
    half.write_bytes(content)
    assert verifier.verify(token).subject == "app"
    with pytest.raises(Unauthorized):
        verifier.verify(late)
    half.write_bytes(whole.read_bytes())
    assert verifier.verify(late).subject == "late"


def test_folder_that_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    clock, keys = SecondsClock(time.time()), Keys(tmp_path)
    verifier = Verifier(keys.public_folder, clock)
    token = keys.issue("caller", "app")
    first = verifier.verify(token)
    clock.moment += 60
    assert verifier.verify(token) is first


def _claims(**changes: object) -> dict[str, object]:
    claims: dict[str, object] = {
        "sub": "x", "role": "operator", "exp": time.time() + 99, "jti": "1"
    }  # fmt: skip
    claims.update(changes)
    return {key: value for key, value in claims.items() if value is not None}


@pytest.mark.parametrize(
    "changes",
    [{"role": "emperor"}, {"projects": "shop"}, {"sub": None}, {"exp": None}, {"jti": None}],
)
def test_token_with_other_claims_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    keys = Keys(tmp_path)
    kid = keys.ensure()
    private = (tmp_path / f"{kid}.key.pem").read_bytes()
    token = jwt.encode(_claims(**changes), private, algorithm="EdDSA", headers={"kid": kid})
    with pytest.raises(Unauthorized):
        Verifier(keys.public_folder).verify(token)


def test_forged_tokens_are_refused(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    kid = keys.ensure()
    stranger = Ed25519PrivateKey.generate()
    public = (keys.public_folder / f"{kid}.pem").read_text()
    head, _, signature = keys.issue("caller", "app").rpartition(".")
    forged = [
        jwt.encode(_claims(), stranger, algorithm="EdDSA", headers={"kid": kid}),
        jwt.encode(_claims(), stranger, algorithm="EdDSA", headers={"kid": "../../etc"}),
        jwt.encode(_claims(), stranger, algorithm="EdDSA"),
        jwt.encode(_claims(), "x" * 64, algorithm="HS256", headers={"kid": kid}),
        jwt.encode(_claims(), "", algorithm="none", headers={"kid": kid}),
        f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}",
        public,
        "",
        "a.b.c",
    ]
    verifier = Verifier(keys.public_folder)
    for token in forged:
        with pytest.raises(Unauthorized):
            verifier.verify(token)
