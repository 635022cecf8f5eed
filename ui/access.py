"""Who may do what. Where no sign-in is set up, as on one's own machine, everybody may do everything.

A public server names its OpenID provider in `[auth]` of `.streamlit/secrets.toml` (the front end's own support) and
who is what in `[roles]`: by an address that the provider says it has verified, or by `sub:` and the subject under
which it knows somebody. Whoever is in no list is a viewer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import streamlit as st

from report.text import plain
from simulation.terms import refuse, words
from ui.text import preferred, t

ROLES = ("viewer", "editor", "facilitator")  # each may do what those before it may
HOURS = 12  # a sign-in lasts: a working day, not the month for which the front end keeps its cookie


def role_of(claims: Mapping[str, Any], roles: Mapping[str, Any]) -> str:
    """The role of somebody who has signed in, by what the provider vouches for.

    >>> roles = {"editor": ["a@b.cn", "sub:007"]}
    >>> role_of({"email": "A@b.cn", "email_verified": True}, roles), role_of({"sub": "007"}, roles)
    ('editor', 'editor')
    >>> role_of({"email": "a@b.cn"}, roles), role_of({"email": "sub:007", "email_verified": True}, roles)
    ('viewer', 'viewer')
    """
    names = {f"sub:{claims['sub']}"} if claims.get("sub") else set()
    address = str(claims.get("email") or "").casefold()
    if "@" in address and claims.get("email_verified") in (True, "true"):
        names.add(address)
    listed = [role for role in ROLES
              if names & {one if one.startswith("sub:") else one.casefold() for one in map(str, roles.get(role, ()))}]
    return listed[-1] if listed else ROLES[0]


def fresh(claims: Mapping[str, Any], now: float) -> bool:
    """Whether somebody signed in not too long ago; `iat` is when the provider said so, in seconds as `now`.

    >>> fresh({"iat": 1000}, 2000), fresh({"iat": 1000}, 1000 + 13 * 3600), fresh({}, 0)
    (True, False, False)
    """
    try:
        return abs(now - float(claims.get("iat") or "nan")) < HOURS * 3600
    except (TypeError, ValueError):
        return False


def secured() -> bool:
    """Whether people have to sign in here."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:  # no secrets at all
        return False


def signed_in() -> bool:
    """Whether this reader has signed in, and not too long ago."""
    return bool(st.user.is_logged_in) and fresh(st.user.to_dict(), time.time())


def person() -> str:
    """What tells a reader who has signed in from others; empty where nobody signs in."""
    return str(st.user.to_dict().get("sub", "")) if secured() and signed_in() else ""


def may(role: str) -> bool:
    """Whether this reader has a role or one that may do more."""
    if not secured():
        return True
    held = role_of(st.user.to_dict(), st.secrets.get("roles", {})) if signed_in() else ROLES[0]
    return ROLES.index(held) >= ROLES.index(role)


def outside() -> bool:
    """Whether this reader has still to sign in: he is given a language, and nothing of his link may be read."""
    if not secured() or signed_in():
        return False
    st.session_state.setdefault("lang", preferred(st.context.locale))
    return True


def enter() -> None:
    """Let those in who have signed in; show the others the way, and nothing else."""
    if outside():
        st.title(t("app.title"))
        st.markdown(t("access.please"))
        st.button(t("access.sign_in"), key="sign_in", on_click=st.login, type="primary", icon=":material/login:")
        st.stop()


def who() -> None:
    """Who is signed in, and the way out."""
    if secured() and signed_in():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(plain(str(st.user.to_dict().get("name") or st.user.to_dict().get("email") or "")))
            st.button(t("access.sign_out"), key="sign_out", on_click=st.logout, type="tertiary")


def require(role: str) -> None:
    """Refuse what needs a role that this reader does not have: the server asks, whatever the page offers."""
    if not may(role):
        raise refuse(t(f"access.{role}"), words("您没有这项权限", "is not your role here"),
                     words("请联系管理员", "ask the administrator"))
