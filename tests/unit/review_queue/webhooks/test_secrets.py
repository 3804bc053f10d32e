"""Names of webhooks' secrets: each is of one project at most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.webhooks.registration import is_secret_of, secret_prefix

# Few letters, so that names that lie in one another come often.
PROJECTS = st.from_regex(r"[ab][ab-]{0,4}", fullmatch=True)


@pytest.mark.parametrize("name", ["shop_hook", "SHOP_HOOK", "shop_2", "SHOP_a__b", "shop_.key"])
def test_name_that_begins_with_the_project_is_its_own(name: str) -> None:
    assert is_secret_of("shop", name)


@pytest.mark.parametrize("name", ["shop", "shop_", "shop__eu_hook", "shopper_hook", "hook", ""])
def test_other_names_are_not(name: str) -> None:
    assert not is_secret_of("shop", name)


def test_settings_of_surehand_are_no_projects_secrets() -> None:
    assert not is_secret_of("surehand", "SUREHAND_SECRET")


@given(PROJECTS, PROJECTS, st.from_regex(r"[ab_]{1,6}", fullmatch=True))
def test_no_name_is_of_two_projects(one: str, other: str, rest: str) -> None:
    name = secret_prefix(one) + rest
    if one != other and is_secret_of(one, name):
        assert not is_secret_of(other, name)
