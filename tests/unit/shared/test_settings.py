"""Settings: what stops a start."""

import importlib
from pathlib import Path
from string import ascii_letters

import pytest
from pydantic_settings import BaseSettings

from services.local.installation import LauncherSettings
from services.serving import SERVICES
from shared import settings as shared_settings
from shared.settings import (
    KNOWN_VARIABLES,
    CommonSettings,
    SettingsError,
    load_settings,
    refuse_unknown,
)


def test_known_variables_are_those_of_the_settings_classes() -> None:
    kinds: list[type[BaseSettings]] = [CommonSettings, LauncherSettings]
    for service, name in SERVICES.items():
        module = importlib.import_module(f"services.{service}.settings")
        kinds.append(getattr(module, name))
    read = {
        str(kind.model_config["env_prefix"]) + field.upper()
        for kind in kinds
        for field in kind.model_fields
    }
    assert read == KNOWN_VARIABLES


def test_unknown_variable_stops_the_start_and_is_named() -> None:
    with pytest.raises(SettingsError, match="SUREHAND_ROUTER_PROT"):
        refuse_unknown({"SUREHAND_ROUTER_PROT": "1", "SUREHAND_ROUTER_PORT": "2", "HOME": "/"})


@pytest.mark.parametrize(
    "secret",
    [
        "changeme",
        "short",
        "change-me-change-me-change-me-change-me",
        "<put a secret here>" * 3,
        "x" * 32,
    ],
)
def test_placeholder_secret_stops_the_start(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("SUREHAND_SECRET", secret)
    with pytest.raises(SettingsError, match="SUREHAND_SECRET") as caught:
        load_settings(CommonSettings, {})
    assert secret not in str(caught.value)


def test_value_out_of_bounds_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUREHAND_POLL_SECONDS", "0")
    with pytest.raises(SettingsError, match="SUREHAND_POLL_SECONDS"):
        load_settings(CommonSettings, {})


def test_secrets_come_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "surehand_secret").write_text("0123456789abcdef" * 4)
    monkeypatch.setattr(shared_settings, "SECRETS_FOLDER", tmp_path)
    assert load_settings(CommonSettings, {}).secret.get_secret_value() == "0123456789abcdef" * 4


def test_random_secret_is_taken_whatever_single_letters_it_holds() -> None:
    secret = "".join(f"{letter}X-_"[:3] for letter in ascii_letters)
    assert load_settings(CommonSettings, secret=secret).secret.get_secret_value() == secret
