#!/usr/bin/env python3
"""One door to the sandbox on Windows, macOS and Linux. It needs nothing but Python 3.11 or newer.

  python3 run.py [--port N] [--open]   prepare .venv if need be and start the app
  python3 run.py install               prepare .venv only
  python3 run.py test [ARGS]           run the tests; ARGS go to pytest
  python3 run.py golden [ARGS]         rewrite the headline numbers the tests compare with
  python3 run.py bench [ARGS]          time the model
  python3 run.py load [ARGS]           time the app with many users at once
"""
# This file must parse and import on Python 3.6, so that an old Python gets a sentence and not a
# traceback: no walrus, no match, no `list[str]` in annotations.
import argparse
import contextlib
import hashlib
import http.client
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parent
HOST = "127.0.0.1"
FIRST_PORT, LAST_PORT = 8501, 8600
OLDEST = (3, 11)
REQUIREMENTS = {"run": ("requirements.txt",), "dev": ("requirements.txt", "requirements-dev.txt")}
STAMP = "sandbox-stamp.json"
MODULES = {"golden": "tests.golden", "bench": "bench", "load": "bench.load"}
BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
                 "msedge", "microsoft-edge")


class Halt(Exception):
    """A sentence for the user, and the exit status that goes with it."""

    def __init__(self, status, sentence):
        Exception.__init__(self, sentence)
        self.status = status


def say(text, stream=None):
    """Print one message, even on a console that cannot show Chinese."""
    stream = stream or sys.stdout
    encoding = getattr(stream, "encoding", None) or "ascii"
    print(text.encode(encoding, "replace").decode(encoding), file=stream, flush=True)


def last_lines(output, count=12):
    return "\n".join(output.decode("utf-8", "replace").strip().splitlines()[-count:])


def old_python(version):
    """The sentence for a Python that is too old, or None."""
    if tuple(version[:2]) >= OLDEST:
        return None
    return ("需要 Python 3.11 或更新版本，当前为 {0}.{1}；请安装新版后用它运行 run.py。 / Python 3.11 or newer is "
            "needed and this is {0}.{1}: install a newer one and run this file with it.").format(*version[:2])


# ---- the virtual environment -------------------------------------------------------------------

def venv_python(venv):
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def digest(root, kind):
    """One hash over the requirements files of a kind, so that any edit to them shows."""
    contents = [(root / name).read_bytes() for name in REQUIREMENTS[kind]]
    return hashlib.sha256(b"\0".join(contents)).hexdigest()


def read_stamp(venv):
    """What was installed and where; empty if nothing was, or not to the end."""
    try:
        stamp = json.loads((venv / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def is_sound(venv):
    """Whether the environment runs, has pip, is new enough and stands where it was made."""
    if read_stamp(venv).get("place", str(venv)) != str(venv):
        return False
    probe = "import pip, sys; sys.exit(sys.version_info < {})".format(OLDEST)
    try:
        return subprocess.call([str(venv_python(venv)), "-c", probe], timeout=60,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def make_venv(venv):
    """Make the environment, or make it again over a broken one."""
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise Halt(2, "这个 Python 缺少 venv 模块；Debian/Ubuntu 请先运行 apt install python3-venv。 / This Python "
                      "cannot make virtual environments: on Debian or Ubuntu run `apt install python3-venv` first.")
    # The base interpreter, because the one running may live in the environment that is replaced.
    base = getattr(sys, "_base_executable", None) or sys.executable
    done = subprocess.run([base, "-m", "venv", "--clear", str(venv)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        say(last_lines(done.stdout), sys.stderr)
        raise Halt(1, "无法创建 .venv；请删除该文件夹后重试。 / .venv could not be made: delete that folder, close "
                      "programs that use it, and try again.")


def prepare(kind, root=ROOT):
    """The environment's Python, with the requirements of a kind ("run" or "dev") installed."""
    venv = root / ".venv"
    if not is_sound(venv):
        make_venv(venv)
    stamp, wanted = read_stamp(venv), digest(root, kind)
    if stamp.get(kind) != wanted:
        say("正在安装依赖，首次约需一至三分钟…… / Installing what is needed; the first time takes a minute or three ...")
        done = subprocess.run(
            [str(venv_python(venv)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--no-input", "-r", str(root / REQUIREMENTS[kind][-1])],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=str(root))
        if done.returncode:
            say(last_lines(done.stdout), sys.stderr)
            raise Halt(1, "安装依赖失败；请检查网络，或设置镜像（PIP_INDEX_URL）后重试。 / Installing failed: check the "
                          "network or set a mirror (PIP_INDEX_URL), then run the same command again.")
        stamp["place"] = str(venv)
        for other, files in REQUIREMENTS.items():
            if set(files) <= set(REQUIREMENTS[kind]):
                stamp[other] = digest(root, other)
        (venv / STAMP).write_text(json.dumps(stamp), encoding="utf-8")
    return str(venv_python(venv))


# ---- child processes ---------------------------------------------------------------------------

def waited(child, seconds):
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=seconds)
    return child.poll() is not None


@contextlib.contextmanager
def running(command, **settings):
    """A child process in the project's folder that never outlives this one."""
    child = subprocess.Popen(command, cwd=str(ROOT), env=dict({"PYTHONUTF8": "1"}, **dict(os.environ, **settings)))
    try:
        yield child
    except KeyboardInterrupt:
        waited(child, 5)  # the terminal sent Ctrl-C to the child too: let it finish in its own way
        raise
    finally:
        if child.poll() is None:
            child.terminate()
            if not waited(child, 5):
                child.kill()
                child.wait()


def hand_over(command, **settings):
    with running(command, **settings) as child:
        return child.wait()


# ---- start the app -----------------------------------------------------------------------------

def is_free(port):
    """Whether nobody listens on the port and we could."""
    with socket.socket() as probe:
        probe.settimeout(0.3)
        if probe.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket() as probe:
        # POSIX: a port is free although old connections linger. Windows: free means nobody shares it.
        option = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
        probe.setsockopt(socket.SOL_SOCKET, option, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def pick_port(wanted=None):
    """The port asked for, or else the first free one from 8501 on."""
    for port in [wanted] if wanted else range(FIRST_PORT, LAST_PORT + 1):
        if is_free(port):
            return port
    raise Halt(2, "端口 {0} 已被占用；请用 --port 另选一个。 / Port {0} is taken: choose another with --port."
               .format(wanted or "{}-{}".format(FIRST_PORT, LAST_PORT)))


def is_healthy(port):
    # http.client, not urllib: a proxy set in the environment must not be asked about this machine.
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def port_number(text):
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port lies between 1 and 65535")
    return port


def start(arguments):
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=port_number, help="default: 8501, or the next free one")
    parser.add_argument("--open", action="store_true", help="open the app in the web browser")
    options = parser.parse_args(arguments)
    if not (ROOT / "app.py").is_file():
        raise Halt(2, "本版本不含 app.py。 / app.py is not part of this version.")
    python, port = prepare("run"), pick_port(options.port)
    address = "http://{}:{}".format(HOST, port)
    command = [python, "-m", "streamlit", "run", "app.py", "--server.address", HOST, "--server.port", str(port),
               "--server.headless", "true", "--logger.hideWelcomeMessage", "true"]
    # One thread a computation: with many users at once, threads inside threads only queue for the cores.
    threads = {name: os.environ.get(name, "1") for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    try:
        with running(command, **threads) as server:
            while server.poll() is None and not is_healthy(port):
                time.sleep(0.1)
            if server.poll() is None:
                say("医保基金沙盘已启动，按 Ctrl-C 结束 / The sandbox is running, Ctrl-C ends it: " + address)
                if options.open:
                    webbrowser.open(address)
            status = server.wait()
    except KeyboardInterrupt:
        say("\n已结束。 / Ended.")
        return 0
    if status:
        raise Halt(status, "应用意外退出，原因见上。 / The app ended by itself; the reason stands above.")
    return 0


# ---- tests and tools ---------------------------------------------------------------------------

def usual_places(environ, platform):
    """Where installers put a browser without adding it to PATH."""
    if platform == "win32":
        bases = [environ[name] for name in ("ProgramFiles", "ProgramFiles(x86)", "LocalAppData") if environ.get(name)]
        parts = ("Google/Chrome/Application/chrome.exe", "Chromium/Application/chrome.exe",
                 "Microsoft/Edge/Application/msedge.exe")
    elif platform == "darwin":
        bases = ["/Applications", os.path.join(environ.get("HOME", "/"), "Applications")]
        parts = tuple("{0}.app/Contents/MacOS/{0}".format(name)
                      for name in ("Google Chrome", "Chromium", "Microsoft Edge"))
    else:
        bases, parts = [], ()
    return [os.path.join(base, part) for base in bases for part in parts]


def find_browser(environ, platform):
    """Path of a Chromium, Chrome or Edge; empty if there is none."""
    if environ.get("CHROMIUM"):
        chosen = shutil.which(environ["CHROMIUM"], path=environ.get("PATH"))
        if not chosen:
            raise Halt(2, "CHROMIUM names no program that can be run: {}".format(environ["CHROMIUM"]))
        return chosen
    on_path = (shutil.which(name, path=environ.get("PATH", "")) for name in BROWSER_NAMES)
    installed = (place for place in usual_places(environ, platform) if os.path.isfile(place))
    return next(filter(None, on_path), None) or next(installed, "")


def install_browser():
    """Debian's Chromium, and a font for the Chinese in the pages; for root in CI only."""
    for command in (["apt-get", "update", "-qq"],
                    ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-noto-cjk"]):
        done = subprocess.run(command, env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            say(last_lines(done.stdout), sys.stderr)


def browser_for_tests():
    """A browser if there is one; in CI there must be."""
    found = find_browser(os.environ, sys.platform)
    in_ci = os.environ.get("CI", "").lower() in ("true", "1")
    if not found and in_ci:
        if shutil.which("apt-get") and getattr(os, "geteuid", lambda: 1)() == 0:
            install_browser()
            found = find_browser(os.environ, sys.platform)
        if not found:
            raise Halt(1, "CI needs a Chromium, Chrome or Edge for the browser tests: install one, or name it in "
                          "the variable CHROMIUM.")
    if not found:
        say("未找到 Chromium、Chrome 或 Edge，跳过浏览器测试。 / No Chromium, Chrome or Edge found: browser tests are skipped.")
    return found


def test(arguments):
    browser = browser_for_tests()
    return hand_over([prepare("dev"), "-m", "pytest"] + arguments, SANDBOX_BROWSER=browser)


def module_file(name, root=ROOT):
    """The file `python -m name` would run, or None."""
    path = root.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__main__.py") if file.is_file()), None)


def tool(command, arguments):
    name = MODULES[command]
    if not module_file(name):
        raise Halt(2, "本版本不含 {0}。 / `{0}` is not part of this version.".format(name))
    return hand_over([prepare("dev"), "-m", name] + arguments)


def main(arguments):
    too_old = old_python(sys.version_info)
    if too_old:
        raise Halt(2, too_old)
    command = arguments[0] if arguments and not arguments[0].startswith("-") else "start"
    rest = arguments[1:] if arguments[:1] == [command] else arguments
    if command == "start":
        return start(rest)
    if command == "install":
        prepare("run")
        say("已就绪。 / Ready.")
        return 0
    if command == "test":
        return test(rest)
    if command in MODULES:
        return tool(command, rest)
    raise Halt(2, "Unknown command `{}`; `run.py --help` lists them.".format(command))


if __name__ == "__main__":
    # A service manager's stop must end the child as well: leave through the `finally` clauses.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(sys.argv[1:]))
    except Halt as halt:
        say(str(halt), sys.stderr)
        sys.exit(halt.status)
    except KeyboardInterrupt:
        sys.exit(130)
