"""Signing in on a public server, and what each role may do."""

import doctest
import time

import pytest
from streamlit.testing.v1 import AppTest

from store import library
from tests.screen import LOCALES, OLD, ROOT, app
from ui import access, shelf

AUTH = {"redirect_uri": "https://sandbox.example/oauth2callback", "cookie_secret": "x" * 32, "client_id": "sandbox",
        "client_secret": "y", "server_metadata_url": "https://sign-in.example/.well-known/openid-configuration"}
ROLES = {"editor": ["Editor@b.cn", "sub:7"], "facilitator": ["teacher@b.cn"]}


def test_examples_hold():
    assert not doctest.testmod(access).failed


@pytest.mark.parametrize(("address", "role"), [
    ("editor@b.cn", "editor"), ("TEACHER@B.CN", "facilitator"), ("someone@b.cn", "viewer"), ("", "viewer")])
def test_a_role_follows_the_address_whatever_its_case(address, role):
    assert access.role_of({"email": address, "email_verified": True}, ROLES) == role


@pytest.mark.parametrize("claims", [{}, {"name": "editor@b.cn"}, {"email": "editor@b.cn", "email_verified": False},
                                    {"email": "editor@b.cn", "email_verified": "false"}, {"email": None},
                                    {"email": "editor@b.cn"}, {"sub": "editor@b.cn"}, {"sub": "SUB:7"}, {"sub": ""},
                                    {"email": "sub:7", "email_verified": True},
                                    {"email": ["editor@b.cn"], "email_verified": True}])
def test_what_the_provider_does_not_vouch_for_gives_no_role(claims):
    assert access.role_of(claims, ROLES) == "viewer"


def test_a_subject_gives_a_role_where_it_is_listed_as_one():
    assert access.role_of({"sub": "7"}, ROLES) == "editor"


@pytest.mark.parametrize("iat", [None, "", "yesterday", 0, float("nan"), float("inf"), -1e9])
def test_a_sign_in_without_a_time_or_long_ago_is_none(iat):
    assert not access.fresh({"iat": iat}, time.time())


def screen(page, user, **query):
    """A page under a server with sign-in, for somebody."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.context = {"locale": LOCALES["en"]}
    at.query_params["scenario"] = OLD
    at.secrets["auth"], at.secrets["roles"] = AUTH, ROLES
    at.user.update(user)
    at.run()
    return at if page == "overview" or not user["is_logged_in"] else at.switch_page(f"ui/pages/{page}.py").run()


def signed_in(address):
    return {"is_logged_in": True, "email": address, "email_verified": True, "iat": int(time.time())}


@pytest.mark.parametrize("user", [{"is_logged_in": False}, signed_in("teacher@b.cn") | {"is_logged_in": False},
                                  signed_in("teacher@b.cn") | {"iat": 1_700_000_000}])
def test_who_has_not_signed_in_today_sees_nothing_but_the_way_in(user):
    at = screen("overview", user)
    assert not at.exception
    assert [button.key for button in at.button] == ["sign_in"]
    assert not at.slider and not at.dataframe and not at.get("plotly_chart") and not at.metric
    assert "view" not in at.session_state  # the link was not even read


def test_without_sign_in_everybody_may_do_everything():
    at = app("en")
    assert not at.exception and at.metric
    assert "sign_in" not in [button.key for button in at.button]
    assert access.may("facilitator")


@pytest.mark.parametrize(("address", "allowed"), [("someone@b.cn", False), ("editor@b.cn", True)])
def test_only_an_editor_saves(address, allowed):
    at = screen("library", signed_in(address))
    assert not at.exception
    assert at.button(key="shelf.do.save").disabled != allowed
    # Whoever forges the click is refused by the server, and nothing is kept.
    before = library.listed(shelf.engine())[1]
    at.text_input(key="shelf.title").set_value(f"by {address}").run()
    at.button(key="shelf.do.save").proto.disabled = False
    at.button(key="shelf.do.save").click().run()
    assert not at.exception
    assert library.listed(shelf.engine())[1] == before + allowed


@pytest.mark.parametrize(("address", "allowed"), [("editor@b.cn", False), ("teacher@b.cn", True)])
def test_only_a_facilitator_opens_a_room(address, allowed):
    at = screen("classroom", signed_in(address))
    at.segmented_control(key="room.what").set_value("open").run()
    assert not at.exception
    at.button(key="room.open").click().run()
    assert not at.exception
    said = [warning.value for warning in at.warning]
    assert any("is not your role here" in text for text in said) != allowed
