"""Who may do what. Where no sign-in is set up, as on one's own machine, everybody may do everything.

A public server names its OpenID provider in `[auth]` of `.streamlit/secrets.toml` (the front end's own support) and
who is what in `[roles]`; whoever is in no list is a viewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from simulation.terms import refuse, words
from ui.text import t

ROLES = ("viewer", "editor", "facilitator")  # each may do what those before it may


def role_of(claims: Mapping[str, Any], roles: Mapping[str, Any]) -> str:
    """The role of somebody who has signed in, by the address the provider vouches for.

    >>> role_of({"email": "A@b.cn"}, {"editor": ["a@b.cn"]}), role_of({"email": "x@b.cn"}, {"editor": ["a@b.cn"]})
    ('editor', 'viewer')
    >>> role_of({"email": "a@b.cn", "email_verified": False}, {"editor": ["a@b.cn"]})
    'viewer'
    """
    address = str(claims.get("email", "")).casefold()
    if not address or claims.get("email_verified", True) in (False, "false"):
        return ROLES[0]
    listed = [role for role in ROLES if address in (str(one).casefold() for one in roles.get(role, ()))]
    return listed[-1] if listed else ROLES[0]


def secured() -> bool:
    """Whether people have to sign in here."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:  # no secrets at all
        return False


def may(role: str) -> bool:
    """Whether this reader has a role or one that may do more."""
    if not secured():
        return True
    return ROLES.index(role_of(st.user.to_dict(), st.secrets.get("roles", {}))) >= ROLES.index(role)


def enter() -> None:
    """Let those in who have signed in; show the others the way, and nothing else."""
    if not secured():
        return
    if not st.user.is_logged_in:
        st.title(t("app.title"))
        st.markdown(t("access.please"))
        st.button(t("access.sign_in"), key="sign_in", on_click=st.login, type="primary", icon=":material/login:")
        st.stop()


def who() -> None:
    """Who is signed in, and the way out."""
    if secured() and st.user.is_logged_in:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(str(st.user.to_dict().get("name") or st.user.to_dict().get("email") or ""))
            st.button(t("access.sign_out"), key="sign_out", on_click=st.logout, type="tertiary")


def require(role: str) -> None:
    """Refuse what needs a role that this reader does not have: the server asks, whatever the page offers."""
    if not may(role):
        raise refuse(t(f"access.{role}"), words("您没有这项权限", "is not your role here"),
                     words("请联系管理员", "ask the administrator"))
