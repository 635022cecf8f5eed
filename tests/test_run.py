"""run.py, .ci/run and the server's settings: what a stranger meets before anything else."""
import ast
import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import run

ROOT = Path(__file__).resolve().parent.parent
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="signals and file modes of POSIX")
LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="a browser may stand in its usual place")

# Stand in for Streamlit and pytest in a project folder, so that nothing is downloaded here.
STREAMLIT = '''
import http.server, sys

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/_stcore/health" else 404)
        self.end_headers()
    def log_message(self, *_):
        pass

option = dict(zip(sys.argv[3::2], sys.argv[4::2]))
address = option["--server.address"], int(option["--server.port"])
try:
    http.server.HTTPServer(address, Health).serve_forever()
except KeyboardInterrupt:
    pass
'''
PYTEST = 'import os, sys\nprint("BROWSER", os.environ["SANDBOX_BROWSER"], sys.argv[1:])\nsys.exit(7)\n'


def executable(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


# ---- the file itself ---------------------------------------------------------------------------

def test_needs_only_the_standard_library():
    tree = ast.parse((ROOT / "run.py").read_text(encoding="utf-8"))
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    froms = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in plain | froms} <= sys.stdlib_module_names


def test_parses_on_an_old_python():
    tree = ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 7))
    annotations = [vars(node).get("annotation") or vars(node).get("returns") for node in ast.walk(tree)]
    assert not any(annotations), "an annotation such as list[str] fails on import before Python 3.9"


@pytest.mark.parametrize("version", [(2, 7), (3, 6, 9), (3, 10, 14)])
def test_old_python_gets_one_sentence_with_a_remedy(version):
    sentence = run.old_python(version)
    assert "install a newer one" in sentence and "\n" not in sentence
    assert f"{version[0]}.{version[1]}:" in sentence


@pytest.mark.parametrize("version", [(3, 11), (3, 12, 1), (4, 0)])
def test_new_python_gets_none(version):
    assert run.old_python(version) is None


def test_oldest_python_is_the_one_pyproject_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=" + ".".join(map(str, run.OLDEST))


# ---- ports -------------------------------------------------------------------------------------

@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port_is_passed_over(address):
    with socket.socket() as other:
        other.bind((address, 0))
        other.listen()
        taken = other.getsockname()[1]
        assert not run.is_free(taken)
        assert run.pick_port(ports=range(taken, taken + 50)) > taken
        with pytest.raises(run.Halt, match=str(taken)):
            run.pick_port(taken)
    assert run.pick_port(taken) == taken


@pytest.mark.parametrize("port", [-1, 70000])
def test_an_impossible_port_is_refused_in_a_sentence(port):
    with pytest.raises(run.Halt, match="choose another"):
        run.pick_port(port)


# ---- the environment ---------------------------------------------------------------------------

@pytest.fixture
def files(tmp_path):
    (tmp_path / "requirements.txt").write_text("a>=1\n")
    (tmp_path / "requirements-cluster.txt").write_text("-r requirements.txt\nd\n")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\nb\n")
    return tmp_path


@pytest.mark.parametrize("changed, kinds", [
    ("requirements.txt", {"run", "dev"}),
    ("requirements-cluster.txt", {"dev"}),
    ("requirements-dev.txt", {"dev"}),
])
def test_a_changed_requirement_changes_the_digest(files, changed, kinds):
    before = {kind: run.digest(files, kind) for kind in run.REQUIREMENTS}
    (files / changed).write_text("c==3\n")
    assert {kind for kind in before if run.digest(files, kind) != before[kind]} == kinds


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"word"'])
def test_a_damaged_stamp_counts_as_none(tmp_path, text):
    (tmp_path / run.STAMP).write_text(text)
    assert run.read_stamp(tmp_path) == {}


def test_without_ensurepip_there_is_a_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(run.Halt, match="apt install python3-venv"):
        run.make_venv(tmp_path / ".venv")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project folder with run.py and requirements that are always met, so that no network is used."""
    root = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "run.py", root)
    (root / "requirements.txt").write_text("pip\n")
    for kind in ("cluster", "dev"):
        (root / f"requirements-{kind}.txt").write_text("-r requirements.txt\n")
    (root / "app.py").write_text("")
    (root / "streamlit.py").write_text(STREAMLIT)
    (root / "pytest.py").write_text(PYTEST)
    return root


def environment(**changes):
    ours = ("CI", "CHROMIUM", "SANDBOX_BROWSER")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "PYTHONIOENCODING": "utf-8", **changes}


def call(project, *arguments, **changes):
    """Exit status and everything printed by `run.py ARGUMENTS`."""
    done = subprocess.run([sys.executable, "run.py", *arguments], cwd=project, env=environment(**changes),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=300)
    return done.returncode, done.stdout


def test_environment_is_made_once_and_mended_when_it_must_be(project):
    venv = project / ".venv"
    shutil.rmtree(venv, ignore_errors=True)

    status, output = call(project, "install")
    assert (status, "Installing" in output, run.is_sound(venv)) == (0, True, True)
    assert run.read_stamp(venv).keys() == {"run", "place"}

    status, output = call(project, "install")
    assert (status, "Installing" in output) == (0, False), "nothing changed, so nothing is to be installed"

    (project / "requirements.txt").write_text("pip>=1\n")
    status, output = call(project, "install")
    assert (status, "Installing" in output) == (0, True), "a changed requirement is installed"

    Path(run.venv_python(venv)).unlink()
    (venv / "leftover").write_text("")
    assert not run.is_sound(venv), "no Python in it"
    status, output = call(project, "install")
    assert (status, "Installing" in output, run.is_sound(venv)) == (0, True, True)
    assert not (venv / "leftover").exists(), "made again from nothing"

    moved = venv.rename(project / "elsewhere")
    assert not run.is_sound(moved), "its scripts point to the old place"
    moved.rename(venv)
    assert run.is_sound(venv)

    another = project / "another"
    another.mkdir()
    (another / ".venv").symlink_to(venv, target_is_directory=True)
    run.make_venv(another / ".venv")
    assert run.is_sound(another / ".venv") and run.is_sound(venv), "what a link leads to is left alone"


def test_installing_that_fails_says_so_and_is_tried_again(project):
    good = (project / "requirements.txt").read_text()
    try:
        (project / "requirements.txt").write_text("./no-such-package\n")
        for _ in range(2):
            status, output = call(project, "install")
            assert status == 1 and "no-such-package" in output and output.rstrip().endswith("then try again.")
            assert "Traceback" not in output
    finally:
        (project / "requirements.txt").write_text(good)


# ---- the app -----------------------------------------------------------------------------------

@POSIX_ONLY
@pytest.mark.parametrize("how, status", [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_start_prints_the_address_and_leaves_nothing_behind(project, how, status):
    server = subprocess.Popen(
        [sys.executable, "run.py"], cwd=project, env=environment(), encoding="utf-8", start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # a shell's `&` has it ignored
    try:
        line = next(line for line in server.stdout if "http://" in line)
        port = int(line.rsplit(":", 1)[1])
        assert line.endswith(f" http://127.0.0.1:{port}\n")
        assert "The sandbox is running" in line and "已启动" in line
        assert run.is_healthy(port)
        if how == signal.SIGINT:
            os.killpg(server.pid, how)  # a terminal's Ctrl-C reaches the whole group
        else:
            server.send_signal(how)  # a service manager's stop reaches run.py alone
        rest = server.communicate(timeout=20)[0]
        assert server.returncode == status and "Traceback" not in rest
        assert run.is_free(port)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)  # whatever a failure of this test has left
        server.wait()


def test_an_app_that_fails_is_reported(project):
    good = (project / "streamlit.py").read_text()
    try:
        (project / "streamlit.py").write_text("raise SystemExit('no licence to start')\n")
        status, output = call(project)
        assert status == 1 and "no licence to start" in output and "ended by itself" in output
    finally:
        (project / "streamlit.py").write_text(good)


# ---- browser, tests and tools ------------------------------------------------------------------

@pytest.mark.parametrize("name", ["chromium", "google-chrome", "microsoft-edge"])
@POSIX_ONLY
def test_a_browser_is_found_on_path(tmp_path, name):
    browser = executable(tmp_path / name)
    assert run.find_browser({"PATH": str(tmp_path)}, "linux") == str(browser)


@pytest.mark.parametrize("platform, variable, place", [
    ("win32", "ProgramFiles(x86)", "Microsoft/Edge/Application/msedge.exe"),
    ("win32", "LocalAppData", "Google/Chrome/Application/chrome.exe"),
    ("darwin", "HOME", "Applications/Chromium.app/Contents/MacOS/Chromium"),
])
def test_a_browser_is_found_where_installers_put_it(tmp_path, platform, variable, place):
    environ = {"PATH": "", variable: str(tmp_path)}
    elsewhere = run.find_browser(environ, platform)  # a real one, if the tests run on such a system
    browser = executable(tmp_path / place)
    assert browser in map(Path, run.usual_places(environ, platform))
    assert Path(run.find_browser(environ, platform)) in (browser, Path(elsewhere))


def test_the_variable_chromium_comes_first_and_must_be_right(tmp_path):
    executable(tmp_path / "path" / "chromium")
    mine = executable(tmp_path / "mine.exe")
    environ = {"PATH": str(tmp_path / "path"), "CHROMIUM": str(mine)}
    assert run.find_browser(environ, "linux") == str(mine)
    with pytest.raises(run.Halt, match="CHROMIUM"):
        run.find_browser({**environ, "CHROMIUM": str(tmp_path / "none")}, "linux")


def test_no_browser_is_an_empty_name(tmp_path):
    assert run.find_browser({"PATH": str(tmp_path)}, "linux") == ""


@POSIX_ONLY
def test_tests_get_their_arguments_and_the_browser(project, tmp_path):
    browser = executable(tmp_path / "chromium")
    (project / ".venv" / run.STAMP).unlink(missing_ok=True)
    status, output = call(project, "test", "-k", "some thing", CHROMIUM=str(browser))
    assert status == 7, "pytest's exit status is run.py's"
    assert f"BROWSER {browser} ['-k', 'some thing']" in output
    assert run.read_stamp(project / ".venv").keys() >= {"run", "dev"}, "what the tests need covers a run"


@LINUX_ONLY
def test_without_a_browser_the_tests_run_and_say_what_is_skipped(project, tmp_path):
    status, output = call(project, "test", PATH=str(tmp_path))
    assert status == 7 and "BROWSER  []" in output and "browser tests are skipped" in output


@LINUX_ONLY
def test_ci_requires_a_browser(project, tmp_path):
    status, output = call(project, "test", PATH=str(tmp_path), CI="true")
    assert status == 1 and "CI needs a Chromium" in output and "BROWSER" not in output


@pytest.mark.parametrize("command, module", run.MODULES.items())
def test_a_tool_that_is_not_there_is_named_in_a_sentence(project, command, module):
    status, output = call(project, command)
    assert status == 2 and f"`{module}` is not part of this version" in output and output.count("\n") == 1


def test_a_tool_that_is_there_is_run(project):
    bench = project / "bench"
    bench.mkdir()
    try:
        (bench / "__main__.py").write_text("import sys\nprint('TIMED', sys.argv[1:])\nsys.exit(3)\n")
        (bench / "load.py").write_text("print('LOADED')\n")
        status, output = call(project, "bench", "--quick")
        assert status == 3 and "TIMED ['--quick']" in output
        status, output = call(project, "load")
        assert status == 0 and "LOADED" in output
    finally:
        shutil.rmtree(bench)


def test_an_unknown_command_is_refused(project):
    status, output = call(project, "fly")
    assert status == 2 and "`fly`" in output and "--help" in output


@POSIX_ONLY
def test_ci_calls_run_test():
    script = ROOT / ".ci" / "run"
    lines = script.read_text().splitlines()
    assert script.stat().st_mode & stat.S_IXUSR
    assert lines[0] == "#!/usr/bin/env bash" and "set -euo pipefail" in lines
    assert any("python3 run.py test" in line for line in lines)


# ---- the server's settings ---------------------------------------------------------------------

CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


def options(tree, prefix=""):
    """Dotted names of all settings in a TOML tree."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from options(value, f"{prefix}{key}.")
        else:
            yield prefix + key


@pytest.mark.parametrize("name", [*options(CONFIG), "logger.hideWelcomeMessage", "server.port"])
def test_streamlit_still_knows_the_option(name):
    """Streamlit only warns about a name it does not know, and two of ours are hidden ones."""
    from streamlit import config

    assert name in config.get_config_options()


def test_streamlit_reads_the_hidden_option():
    from streamlit import config

    assert CONFIG["runner"]["postScriptGC"] is False
    assert config._config_options_template["runner.postScriptGC"].default_val is True, "else ours has no use"
    assert "postScriptGC" in Path(sys.modules["streamlit"].__file__).with_name("runtime").joinpath(
        "scriptrunner", "script_runner.py").read_text(encoding="utf-8")


def test_the_server_is_for_this_machine_only_and_sends_nothing_home():
    assert CONFIG["server"]["address"] == run.HOST == "127.0.0.1"
    assert CONFIG["browser"]["gatherUsageStats"] is False


def luminance(colour):
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_colours_can_be_read(mode):
    theme = CONFIG["theme"][mode]
    for ground in (theme["backgroundColor"], theme["secondaryBackgroundColor"]):
        assert contrast(theme["textColor"], ground) >= 7
        assert contrast(theme["linkColor"], ground) >= 4.5
    assert contrast(theme["primaryColor"], "#ffffff") >= 4.5, "white text on the primary button"
    palette = theme["chartCategoricalColors"]
    assert len(set(palette)) == 8
    assert min(contrast(colour, theme["backgroundColor"]) for colour in palette) >= 2.5
