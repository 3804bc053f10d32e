"""Callers: EdDSA tokens (RFC 8037), issued with a private key, verified with public ones.

A service needs no database to know its caller: a token carries the subject, the role and the
projects, and is verified once, then remembered until it expires.
"""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Request

from shared.auth.public_keys import PublicKeys
from shared.contracts.base import new_id
from shared.home import write_private
from shared.problems import Forbidden, Unauthorized
from shared.telemetry import TOKEN_EXPIRES

Role = Literal["caller", "reviewer", "operator", "service"]
ROLES: tuple[Role, ...] = get_args(Role)
_REMEMBERED = 10_000
_LOOK_SECONDS = 2.0
_UNKNOWN_KEY = (
    "The token is signed with a key that this service does not have: issue it with the home "
    "(SUREHAND_HOME) of this installation."
)
_PRIVATE_SUFFIX = ".key.pem"
_REQUIRED_CLAIMS = ["sub", "role", "exp", "jti"]


@dataclass(frozen=True)
class Principal:
    """The holder of a verified token, its id and its key's. `projects` None: all; Unix seconds.

    `link_id` names the one-time link that the token comes from, if any.
    """

    subject: str
    role: Role
    projects: frozenset[str] | None
    expires_at: float
    token_id: str
    key_id: str | None = None
    link_id: str | None = None

    def may_enter(self, project: str) -> bool:
        """Say whether the token is for this project."""
        return self.projects is None or project in self.projects


def show_token_expiry(service: str, token: str) -> None:
    """Set the metric that says when the token expires with which `service` calls others."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        # The services that are called refuse it, and say so.
        return
    if isinstance(expires_at := claims.get("exp"), int | float):
        TOKEN_EXPIRES.labels(service).set(expires_at)


class Keys:
    """A folder of Ed25519 keys: private ones in it (0600), public ones in `public/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.public_folder = folder / "public"

    def kids(self) -> list[str]:
        """Return the ids of the private keys, oldest first."""
        private = self.folder.glob(f"*{_PRIVATE_SUFFIX}")
        return sorted(path.name.removesuffix(_PRIVATE_SUFFIX) for path in private)

    def ensure(self) -> str:
        """Return the newest key's id; make a first key pair when there is none."""
        kids = self.kids()
        return kids[-1] if kids else self._create()

    def _create(self) -> str:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        if not self.public_folder.exists():
            # Services of another user may be given this folder.
            self.public_folder.mkdir()
            self.public_folder.chmod(0o755)
        kid = new_id()
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        # The public half first: a crash in between leaves a key without signatures.
        write_private(self.public_folder / f"{kid}.pem", public)
        (self.public_folder / f"{kid}.pem").chmod(0o644)
        write_private(self.folder / f"{kid}{_PRIVATE_SUFFIX}", private)
        return kid

    def issue(
        self,
        role: Role,
        subject: str,
        *,
        projects: list[str] | None = None,
        hours: float = 24.0,
        now: Callable[[], float] = time.time,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Return a signed token for `subject`, good for `hours`, for `projects` (None: all).

        `more` are further claims: a token that a one-time link gives has `link`, the link's id, and
        `via`, the id of the key by whose token the link was made. It ends with either key.
        """
        kid = self.ensure()
        loaded = serialization.load_pem_private_key(
            (self.folder / f"{kid}.key.pem").read_bytes(), password=None
        )
        assert isinstance(loaded, Ed25519PrivateKey)
        issued = now()
        claims: dict[str, Any] = {
            "sub": subject,
            "role": role,
            "iat": int(issued),
            "exp": int(issued + hours * 3600),
            "jti": new_id(),
            **more,
        }
        if projects is not None:
            claims["projects"] = projects
        return jwt.encode(claims, loaded, algorithm="EdDSA", headers={"kid": kid})


@dataclass
class Verifier:
    """Verifies tokens against the public keys of a folder, each token once while its key is there.

    The folder is looked at every two seconds, and at once for a key that is not known: a new key
    needs no restart, and neither does one that is removed, whose tokens are refused from then on.
    `is_revoked` is asked at each use.
    """

    public_folder: Path
    now: Callable[[], float] = time.time
    is_revoked: Callable[[Principal], bool] = lambda _: False
    _known: dict[str, Principal] = field(default_factory=dict)
    _looked_at: float = -math.inf

    def __post_init__(self) -> None:
        """Read no key yet: the folder may come later."""
        self._keys = PublicKeys(self.public_folder)

    def verify(self, token: str) -> Principal:
        """Return the token's principal.

        Raises `Unauthorized`: the token is malformed, forged, of an unknown or removed key,
        incomplete or expired.
        """
        now = self.now()
        # A clock that was set back is no reason to look later.
        if not 0 <= now - self._looked_at < _LOOK_SECONDS:
            self._look()
        known = self._known.get(token)
        if known is None:
            known = self._decode(token)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[token] = known
        if known.expires_at <= now:
            self._known.pop(token, None)
            raise Unauthorized("The token has expired; ask for a new one.")
        if self.is_revoked(known):
            raise Unauthorized("The link that this token comes from was revoked; ask for another.")
        return known

    def verify_header(self, header: str) -> Principal:
        """Return the principal of an ``Authorization: Bearer`` header; `Unauthorized` as above."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("Send `Authorization: Bearer TOKEN`.")
        return self.verify(token.strip())

    def _look(self) -> None:
        self._looked_at = self.now()
        if self._keys.reload():
            self._known.clear()

    def _decode(self, token: str) -> Principal:
        try:
            kid = str(jwt.get_unverified_header(token).get("kid", ""))
            key = self._keys.get(kid)
            if key is None:
                self._look()
                key = self._keys.get(kid)
            if key is None:
                raise Unauthorized(_UNKNOWN_KEY)
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                # Expiry is checked above, with the injected clock, at each use.
                options={"require": _REQUIRED_CLAIMS, "verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError as error:
            raise Unauthorized("The token is not one of ours.") from error
        via = claims.get("via")
        if via is not None and self._keys.get(str(via)) is None:
            raise Unauthorized(_UNKNOWN_KEY)
        role, projects, link = claims["role"], claims.get("projects"), claims.get("link")
        if role not in ROLES or not isinstance(projects, list | None):
            raise Unauthorized("The token's claims are not ours.")
        return Principal(
            subject=str(claims["sub"]),
            role=role,
            projects=None if projects is None else frozenset(map(str, projects)),
            expires_at=float(claims["exp"]),
            token_id=str(claims["jti"]),
            # The key that all of it goes back to, if a link is between.
            key_id=kid if via is None else str(via),
            link_id=None if link is None else str(link),
        )


def principal_of(request: Request) -> Principal:
    """Return the caller, from the ``Authorization: Bearer`` header; `Unauthorized` without one."""
    known = getattr(request.state, "principal", None)
    if isinstance(known, Principal):
        return known
    verifier: Verifier = request.app.state.verifier
    principal = verifier.verify_header(request.headers.get("authorization", ""))
    request.state.principal = principal
    return principal


def require(principal: Principal, roles: AbstractSet[Role], project: str | None) -> None:
    """Raise `Forbidden` unless the principal has one of `roles` and may enter `project`."""
    if principal.role not in roles:
        raise Forbidden(f"Use a token of role {' or '.join(sorted(roles))}.", role=principal.role)
    if project is not None:
        require_project(principal, project)


def require_project(principal: Principal, project: str) -> None:
    """Raise `Forbidden` unless the principal may enter `project`."""
    if not principal.may_enter(project):
        raise Forbidden("The token is not for this project.", project=project)


def permitted(*roles: Role) -> frozenset[Role]:
    """Return who may do what `roles` may: an operator may do all that people and callers may."""
    return frozenset({*roles, "operator"})


def allow(*roles: Role) -> Callable[[Request], Awaitable[Principal]]:
    """Make a dependency: the caller, if it has one of `roles` and may enter the path's project.

    An operator always has one (`permitted`); a service may do only what names it.
    """
    with_operator = permitted(*roles)

    # async: FastAPI runs a plain function in a thread, at some fifty times the cost of this one.
    async def dependency(request: Request) -> Principal:
        principal = principal_of(request)
        project = request.path_params.get("project")
        require(principal, with_operator, None if project is None else str(project))
        _ACTING.set(principal)
        return principal

    return dependency


# Of this request alone: each is served in a context of its own.
_ACTING: ContextVar[Principal | None] = ContextVar("acting", default=None)


def acting() -> Principal | None:
    """Return the caller of this request, once a route has admitted it; None outside of requests."""
    return _ACTING.get()


def require_all_projects(principal: Principal) -> None:
    """Raise `Forbidden` unless the principal may enter every project."""
    if principal.projects is not None:
        raise Forbidden("Use a token that is for all projects.")
