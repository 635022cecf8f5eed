"""The attacks that SECURITY.md lists and no other test tries, most of them on a real server with sign-in."""

import ast
import http.client
import json
import re
import socket
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from oidc_provider_mock import User, run_server_in_thread
from playwright.sync_api import expect
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from report.text import phrases, say
from store import library
from store.database import database, ready
from tests.screen import app, few_draws, words_of
from tests.screens import BROWSER, browsing, serving

ROOT = Path(__file__).resolve().parent.parent
COOKIE_SECRET, CLIENT_SECRET = "c" * 64, "a-secret-of-the-client"
DOOR = phrases("en")["access.sign_in"]
USER_COOKIE, XSRF_COOKIE = "_streamlit_user", "_streamlit_xsrf"
TEACHER = User(sub="teacher", claims={"email": "teacher@b.cn", "email_verified": True, "name": "Teacher"})
EDITOR = User(sub="editor", claims={"email": "teacher@b.cn", "email_verified": False, "name": "Impostor"})


class Public(NamedTuple):
    """A server with sign-in, its provider, and what it has written to its log."""

    address: str
    provider: str
    log: Path

    @property
    def port(self) -> int:
        return urlsplit(self.address).port


@pytest.fixture(scope="module")
def public(tmp_path_factory) -> Iterator[Public]:
    """A server as a bureau would run it: sign-in by OpenID Connect, roles, a library of its own."""
    folder = tmp_path_factory.mktemp("public")
    with run_server_in_thread(user_claims=(TEACHER, EDITOR), require_nonce=True) as provider:
        issuer = f"http://localhost:{provider.server_port}"
        secrets = (ROOT / ".streamlit" / "secrets.example.toml").read_text(encoding="utf-8")
        for old, new in {"https://sandbox.example.gov.cn": "http://127.0.0.1:{port}",
                         "from the provider": CLIENT_SECRET,
                         "64 random hexadecimal digits, the same for every process": COOKIE_SECRET,
                         "https://sign-in.example.gov.cn": issuer, "teacher@example.gov.cn": "teacher@b.cn"}.items():
            assert secrets.count(old) == 1
            secrets = secrets.replace(old, new)
        (folder / "secrets.toml").write_text(secrets, encoding="utf-8")
        with (folder / "log.txt").open("wb") as log, serving(
                log, STREAMLIT_SECRETS_FILES=str(folder / "secrets.toml"),
                SANDBOX_DATABASE=f"sqlite:///{(folder / 'sandbox.db').as_posix()}") as address:
            yield Public(address, issuer, folder / "log.txt")


# --- signing in ---------------------------------------------------------------------------------------

def login(public: Public) -> httpx.Client:
    """A browser that has followed the app to its provider's door; where it stands is `client.at`."""
    client = httpx.Client(base_url=public.address, follow_redirects=False, trust_env=False, timeout=20)
    token = jwt.encode({"alg": "HS256"}, {"provider": "default", "exp": 4_000_000_000},
                       OctKey.import_key(COOKIE_SECRET))
    sent = client.get("/auth/login", params={"provider": token})
    assert sent.status_code == 302, sent.text
    client.at = sent.headers["location"]
    return client


def back(client: httpx.Client, sub: str = "teacher", **changed: str) -> str:
    """Sign in at the provider, the request altered on the way; the address to which it sends the browser back."""
    door = urlsplit(client.at)
    asked = {name: values[0] for name, values in parse_qs(door.query).items()} | changed
    answer = client.post(f"{door.scheme}://{door.netloc}{door.path}?{urlencode(asked)}", data={"sub": sub})
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def test_the_way_to_the_provider_carries_what_stops_forged_and_replayed_answers(public):
    client = login(public)
    assert client.at.startswith(public.provider)
    asked = parse_qs(urlsplit(client.at).query)
    assert asked["redirect_uri"] == [f"{public.address}/oauth2callback"] and asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"] and all(len(asked[name][0]) >= 20 for name in ("state", "nonce"))
    other = parse_qs(urlsplit(login(public).at).query)
    assert all(asked[name] != other[name] for name in ("state", "nonce", "code_challenge"))


def test_who_signs_in_gets_a_cookie_that_no_script_reads_and_that_is_of_no_use_twice(public):
    client = login(public)
    answer = client.get(returned := back(client))
    assert answer.status_code == 302 and answer.headers["location"] in ("/", public.address + "/")
    cookie = next(text for text in answer.headers.get_list("set-cookie") if text.startswith(USER_COOKIE + "="))
    assert "httponly" in cookie.lower() and "samesite=lax" in cookie.lower()
    again = client.get(returned)  # the same answer replayed
    assert not [text for text in again.headers.get_list("set-cookie") if text.startswith(USER_COOKIE + "=")
                and "max-age=0" not in text.lower()]


@pytest.mark.parametrize("forged", ["state", "code", "nonce", "stranger"])
def test_a_forged_answer_of_the_provider_signs_nobody_in(public, forged):
    client = login(public)
    if forged == "nonce":  # the provider's answer is to another question
        returned = back(client, nonce="n" * 20)
    else:
        returned = back(client)
        parts = urlsplit(returned)
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if forged in given:
            given[forged] = "x" * len(given[forged])
        returned = f"{parts.scheme}://{parts.netloc}{parts.path}?{urlencode(given)}"
    if forged == "stranger":  # another browser opens the answer: signing a victim in as oneself
        client = httpx.Client(base_url=public.address, follow_redirects=False, trust_env=False, timeout=20)
    answer = client.get(returned)
    assert answer.status_code == 302 and USER_COOKIE not in client.cookies
    assert urlsplit(answer.headers["location"]).netloc in ("", urlsplit(public.address).netloc)


@pytest.mark.parametrize("path", [
    "/oauth2callback?error=x&error_description=y&redirect_uri=https://evil.example/",
    "/oauth2callback?state=https://evil.example/&code=x&next=https://evil.example/",
    "/auth/login?provider=https://evil.example/&next=//evil.example", "/auth/logout?next=https://evil.example/",
    "//evil.example/oauth2callback", "/auth/login?provider=%0d%0aLocation:%20https://evil.example/"])
def test_no_address_of_the_app_sends_a_reader_to_another_site(public, path):
    connection = http.client.HTTPConnection("127.0.0.1", public.port, timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    assert answer.status in (200, 302, 307, 400, 403, 404)
    assert urlsplit(answer.getheader("location", "/")).netloc in ("", urlsplit(public.address).netloc)


# --- speaking to the server without a browser ---------------------------------------------------------

@contextmanager
def wire(public: Public, origin: str | None = None, cookies: str = "", **more):
    """A websocket to the server."""
    headers = {"Cookie": cookies} if cookies else {}
    with connect(f"ws://127.0.0.1:{public.port}/_stcore/stream", origin=origin or public.address, proxy=None,
                 additional_headers=headers | more.pop("headers", {}), max_size=None, open_timeout=20, **more) as found:
        yield found


def answers(spoken, query: str = "", page_hash: str = "", click: str = "", **typed: str) -> list[ForwardMsg]:
    """What the server sends for a run of the script in which a button is said to be clicked and texts typed."""
    message = BackMsg()
    message.rerun_script.query_string, message.rerun_script.page_script_hash = query, page_hash
    message.rerun_script.context_info.locale = "en-GB"
    for identity, text in typed.items():
        message.rerun_script.widget_states.widgets.add(id=identity, string_value=text)
    if click:
        message.rerun_script.widget_states.widgets.add(id=click, trigger_value=True)
    spoken.send(message.SerializeToString())
    got = []
    while not (got and got[-1].WhichOneof("type") == "script_finished"):
        one = ForwardMsg()
        one.ParseFromString(spoken.recv(timeout=60))
        got.append(one)
    return got


def texts(got: list[ForwardMsg]) -> str:
    """Everything that was sent, as text."""
    return "\n".join(str(one) for one in got)


@pytest.mark.parametrize("origin", ["https://evil.example", "http://192.0.2.7:8501", "null", "file://",
                                    "http://127.0.0.1.evil.example"])
def test_another_site_cannot_open_a_session(public, origin):
    with pytest.raises(InvalidStatus) as refused, wire(public, origin):
        pass
    assert refused.value.response.status_code == 403


def test_a_name_rebound_to_this_machine_cannot_open_a_session(public):
    """The site a reader visits resolves to 127.0.0.1 a moment later: origin and host agree, but the host is foreign."""
    with pytest.raises(InvalidStatus) as refused, connect(
            f"ws://evil.example:{public.port}/_stcore/stream", origin=f"http://evil.example:{public.port}", proxy=None,
            sock=socket.create_connection(("127.0.0.1", public.port))):
        pass
    assert refused.value.response.status_code == 403


def test_a_session_without_sign_in_gets_the_door_whatever_it_asks_for(public):
    with wire(public) as spoken:
        first = answers(spoken)
        hashes = [page.page_script_hash for one in first if one.WhichOneof("type") == "navigation"
                  for page in one.navigation.app_pages]
        assert hashes
        link = "scenario=benxi_2008&saved=ABCDEFGH"
        said = texts(first) + "".join(texts(answers(spoken, link, one)) for one in hashes)
    assert DOOR in said
    assert not re.search("plotly_chart|arrow_data_frame|file_uploader|download_button|metric {", said)
    assert "benxi_2008" not in said


@pytest.mark.parametrize("headers", [
    {"X-Forwarded-User": "teacher@b.cn"}, {"X-Streamlit-User": "eyJlbWFpbCI6InRlYWNoZXJAYi5jbiJ9"},
    {"X-Forwarded-Email": "teacher@b.cn", "Remote-User": "teacher"}])
def test_a_header_makes_nobody_somebody(public, headers):
    with wire(public, headers=headers) as spoken:
        assert DOOR in texts(answers(spoken))


def signed_in(public: Public, sub: str) -> dict[str, str]:
    """The cookies of a browser in which somebody has signed in."""
    client = login(public)
    client.get(back(client, sub))
    xsrf = client.get("/_stcore/health").cookies[XSRF_COOKIE].strip('"')
    return {USER_COOKIE: client.cookies[USER_COOKIE].strip('"'), XSRF_COOKIE: xsrf}


def wired(public: Public, cookies: dict[str, str], session: str = ""):
    """A websocket with cookies as a browser sends them; a session's name asks to go on with it."""
    return wire(public, cookies="; ".join(f'{name}="{value}"' for name, value in cookies.items()),
                subprotocols=["streamlit", cookies.get(XSRF_COOKIE) or "none", *filter(None, [session])])


def name_of(got: list[ForwardMsg]) -> str:
    """The session that answered."""
    return next(one.new_session.initialize.session_id for one in got if one.WhichOneof("type") == "new_session")


@pytest.mark.parametrize(("forged", "inside"), [("no", True), ("unsigned", False), ("altered", False), ("cut", False),
                                                ("without the page's token", False)])
def test_a_forged_cookie_makes_nobody_somebody(public, forged, inside):
    real = signed_in(public, "teacher")
    user, token = real[USER_COOKIE], {XSRF_COOKIE: real[XSRF_COOKIE]}
    cookie = {"unsigned": json.dumps({"email": "teacher@b.cn", "is_logged_in": True}).replace('"', "'"),
              "altered": user[:-4] + ("AAAA" if user[-4:] != "AAAA" else "BBBB"), "cut": user[:len(user) // 2]}
    token = {} if forged.startswith("without") else token
    with wired(public, {USER_COOKIE: cookie.get(forged, user)} | token) as spoken:
        assert (DOOR not in texts(answers(spoken))) == inside


def test_nobody_goes_on_with_the_session_of_another(public):
    with wired(public, signed_in(public, "teacher")) as theirs:
        session = name_of(answers(theirs))
        for cookies in ({}, signed_in(public, "editor")):
            with wired(public, cookies, session) as mine:
                got = answers(mine)
            assert name_of(got) != session
        assert DOOR not in texts(answers(theirs))  # who was there is not thrown out


@pytest.mark.parametrize(("sub", "may"), [("editor", False), ("teacher", True)])
def test_a_forged_click_does_what_the_role_allows_and_no_more(public, sub, may):
    """The editor's address is not verified, so he is a viewer, to whom the button is shown without its use."""
    kept = database(f"sqlite:///{(public.log.parent / 'sandbox.db').as_posix()}")
    with wired(public, signed_in(public, sub)) as spoken:
        page = {page.url_pathname: page.page_script_hash for one in answers(spoken)
                if one.WhichOneof("type") == "navigation" for page in one.navigation.app_pages}["library"]
        shown = [one.delta.new_element for one in answers(spoken, page_hash=page) if one.WhichOneof("type") == "delta"]
        save = next(one.button for one in shown if "shelf.do.save" in one.button.id)
        title = next(one.text_input.id for one in shown if one.text_input.id.endswith("-shelf.title"))
        assert save.disabled != may
        before = library.listed(kept)[1]
        for query in ("", "role=facilitator&roles=facilitator&email=teacher@b.cn"):
            answers(spoken, query, page, save.id, **{title: "forged"})
    assert (library.listed(kept)[1] > before) == may
    kept.dispose()


@pytest.mark.parametrize("frame", [b"\xff" * 64, b"not a message"])
def test_a_frame_that_is_no_message_ends_the_session_and_tells_nothing(public, frame):
    with wire(public) as spoken:
        spoken.send(frame)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                got = ForwardMsg()
                got.ParseFromString(spoken.recv(timeout=20))
                assert "Traceback" not in str(got)
    assert closed.value.rcvd.code == 1002


def asked(public: Public, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    """Status and body of a request whose path nobody tidies up on the way."""
    connection = http.client.HTTPConnection("127.0.0.1", public.port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_an_upload_from_another_site_or_to_anothers_session_is_refused(public):
    answer = httpx.get(f"{public.address}/_stcore/health", trust_env=False)
    xsrf = answer.cookies[XSRF_COOKIE]
    path, body = "/_stcore/upload_file/another-session/1", b"x"
    assert asked(public, "PUT", path, body)[0] == 403
    assert asked(public, "PUT", path, body, Cookie=f"{XSRF_COOKIE}={xsrf}")[0] == 403  # what a foreign form can send
    status, told = asked(public, "PUT", path, body, **{"Cookie": f"{XSRF_COOKIE}={xsrf}", "X-Xsrftoken": xsrf})
    assert status == 400 and b"session_id" in told
    assert asked(public, "GET", path)[1] == asked(public, "GET", "/")[1]  # there is no way to fetch one


@pytest.mark.parametrize("path", [
    "/../requirements.txt", "/..%2f..%2fetc/passwd", "/static/..%2f..%2frun.py", "/static/%2e%2e/%2e%2e/app.py",
    "/app/static/../secrets.toml", "/.streamlit/secrets.toml", "/media/../../../etc/passwd", "/media/%2e%2e%2fapp.py",
    "/component/../../app.py", "/_stcore/bidi-components/../../../etc/passwd", "/%5c%5cevil.example%5cshare",
    "/media/" + "0" * 56 + ".csv"])
def test_no_path_leads_to_a_file_or_to_what_another_was_given(public, path):
    status, body = asked(public, "GET", path)
    assert status in (200, 400, 403, 404, 405)
    # Where it is not refused it is the app's own front page, as for any unknown address.
    assert status != 200 or b"<title>Streamlit</title>" in body
    assert not re.search(rb"root:x:|cookie_secret|^import |streamlit>=", body, re.M)


def test_the_log_of_the_attacked_server_holds_no_secret(public):
    """After all of the above."""
    written = public.log.read_text(encoding="utf-8", errors="replace")
    assert COOKIE_SECRET not in written and CLIENT_SECRET not in written
    assert "teacher@b.cn" not in written and "eyJ" not in written  # no address and no token


# --- in a browser -------------------------------------------------------------------------------------

@pytest.mark.browser
@pytest.mark.skipif(not BROWSER, reason="SANDBOX_BROWSER names no browser")
def test_a_facilitator_signs_in_at_the_provider_and_out_again(public):
    words = phrases("en")
    with browsing() as browser:
        page = browser.new_context(locale="en-GB").new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{public.address}/library?scenario=benxi_2008")
        page.get_by_role("button", name=words["access.sign_in"]).click()
        page.wait_for_url(re.compile(re.escape(public.provider)))
        page.locator("input[name=sub]").fill("teacher")
        page.get_by_role("button", name="Authorize").click()
        page.wait_for_url(re.compile(re.escape(public.address)))
        expect(page.get_by_text("Teacher", exact=True)).to_be_visible(timeout=60_000)
        page.goto(f"{public.address}/library?scenario=benxi_2008")
        expect(page.locator('[class*="st-key-shelf-do-save "] button')).to_be_enabled(timeout=60_000)
        page.get_by_role("button", name=words["access.sign_out"]).click()
        page.get_by_role("button", name="End session").click()
        expect(page.get_by_role("button", name=words["access.sign_in"])).to_be_visible(timeout=60_000)


# --- what people type, and what this repository keeps to ----------------------------------------------

HOSTILE = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) {0.__class__} $x$ :red[y] =1+1 '; DROP TABLE entry; --"


def test_a_title_or_note_in_the_library_is_text_and_no_command(monkeypatch):
    few_draws(monkeypatch, 64)
    draft = library.Draft(text="base: benxi_2008\nchanges: []\n", note=HOSTILE, author=HOSTILE[:library.TITLE // 2])
    code = library.save(ready(), HOSTILE, draft, HOSTILE)
    at = app("en").switch_page("ui/pages/library.py").run()
    assert not at.exception
    shown = [text for text in words_of(at) if "onerror" in text]
    assert shown
    assert not [text for text in shown if re.search(r"(?<!\\)<img|(?<!\\)\[x\]\(", text)]
    assert library.entry(ready(), code).title == HOSTILE and library.listed(ready(), search=HOSTILE)[1] == 1


def test_a_phrase_does_not_look_into_what_fills_it():
    assert "{0.__class__.__mro__}" in say("en", "record.file", name="{0.__class__.__mro__}", first=1, last=2)


SOURCES = [ROOT / "app.py", ROOT / "server.py", *(path for room in ("ui", "report", "store", "simulation")
                                                  for path in sorted((ROOT / room).rglob("*.py")))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_is_run_unpacked_or_shown_as_html(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not {ast.unparse(call.func) for call in calls} & {
        "eval", "exec", "compile", "__import__", "yaml.load", "yaml.unsafe_load", "os.system", "st.html",
        "components.html", "components.v1.html", "st.iframe"}
    assert not {word.arg for call in calls for word in call.keywords} & {"unsafe_allow_html", "shell"}
    taken = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    taken |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not taken & {"pickle", "marshal", "shelve", "dill", "jinja2", "subprocess"}


@pytest.mark.parametrize(("option", "value"), {
    "server.address": "127.0.0.1", "server.allowedHosts": ["localhost", "127.0.0.1", "::1"],
    "server.enableXsrfProtection": True, "server.enableCORS": True, "server.xsrfCookieSameSite": "lax",
    "server.enableStaticServing": False, "server.enableAgentApi": False, "server.trustedUserHeaders": "{}",
    "server.maxUploadSize": 10, "client.showErrorDetails": "none", "client.showErrorLinks": False,
    "browser.gatherUsageStats": False}.items())
def test_the_settings_are_the_safe_ones_and_known_to_the_front_end(option, value):
    section, name = option.split(".")
    written = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert written[section][name] == value
    assert option in config.get_config_options()


@cache
def functions(file: str) -> set[str]:
    """The functions of a file of tests."""
    tree = ast.parse((ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("document", ["SECURITY.md", "SECURITY.zh.md"])
def test_every_attack_of_the_threat_model_is_tried_by_a_test_that_exists(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    rows = re.search(r"^\| (?:Threat|威胁) .*\n\|-.*\n((?:\|.*\n)+)", text, re.M)[1].splitlines()
    assert len(rows) >= 20
    for row in rows:
        named = re.findall(r"`(test_\w+)\.(test_\w+)`", row)
        assert named and len(row.split("|")) == 6, row
        for file, test in named:
            assert test in functions(file), (file, test)


def test_both_languages_name_the_same_tests():
    first, second = (re.findall(r"`test_\w+\.test_\w+`", (ROOT / name).read_text(encoding="utf-8"))
                     for name in ("SECURITY.md", "SECURITY.zh.md"))
    assert first == second
