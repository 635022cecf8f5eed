#!/usr/bin/env python3
"""One door to the sandbox on Windows, macOS and Linux. It needs nothing but Python 3.11 or newer.

  python3 run.py [--port N] [--open]   prepare .venv if need be and start the app
  python3 run.py install               prepare .venv only
  python3 run.py wheels                put all that a run needs into wheels/, for a machine without internet
  python3 run.py test [ARGS]           run the tests; ARGS go to pytest
  python3 run.py golden [ARGS]         rewrite the headline numbers the tests compare with
  python3 run.py bench [ARGS]          time the model
  python3 run.py load [ARGS]           time the app with many users at once
  python3 run.py fuzz [ARGS]           try every parser of what users bring with odd input (Linux)
  python3 run.py audit                 ask whether what is installed has published faults
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
PORTS = range(8501, 8601)
OLDEST = (3, 11)
REQUIREMENTS = {"run": ("requirements.txt",),
                "dev": ("requirements.txt", "requirements-cluster.txt", "requirements-dev.txt")}
STAMP = "sandbox-stamp.json"
WHEELS = "wheels"  # a folder of packages: where it is there, nothing is asked of the internet
PEERS = "requirements-bench.txt"  # in .venv-bench: what the benchmark is compared with
MODULES = {"golden": "tests.golden", "bench": "bench", "load": "bench.load", "fuzz": "bench.fuzz",
           "audit": "tests.audit"}
# The model's matrices are small: threads inside threads would only queue for the cores.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge",
            "microsoft-edge")


class Halt(Exception):
    """An exit status, and the sentence for the user that goes with it."""


def say(text, stream=None):
    """Print one message, even on a console that cannot show Chinese."""
    stream = stream or sys.stdout
    encoding = getattr(stream, "encoding", None) or "ascii"
    print(text.encode(encoding, "replace").decode(encoding), file=stream, flush=True)


def old_python(version):
    """The sentence for a Python that is too old, or None."""
    if tuple(version[:2]) >= OLDEST:
        return None
    found = ".".join(map(str, version[:2]))
    return (f"需要 Python 3.11 或更新版本，当前为 {found}；请安装新版后用它运行 run.py。 / Python 3.11 or "
            f"newer is needed and this is {found}: install a newer one and run this file with it.")


def quietly(command, **settings):
    """Run a command; show nothing if it succeeds and the end of its output if it fails."""
    done = subprocess.run(command, cwd=str(ROOT), env={**os.environ, **settings},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        say("\n".join(done.stdout.decode("utf-8", "replace").strip().splitlines()[-12:]), sys.stderr)
    return done.returncode == 0


@contextlib.contextmanager
def running(command, **settings):
    """A child process in the project's folder that never outlives this one."""
    child = subprocess.Popen(command, cwd=str(ROOT), env={"PYTHONUTF8": "1", **ONE_THREAD, **os.environ, **settings})
    try:
        yield child
    except KeyboardInterrupt:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(5)  # the terminal sent Ctrl-C to the child too: let it finish in its own way
        raise
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


# ---- the virtual environment -------------------------------------------------------------------

def venv_python(venv):
    return str(venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def digest(root, kind):
    """One hash over the requirements files of a kind, so that any edit to them shows."""
    return hashlib.sha256(b"\0".join((root / name).read_bytes() for name in REQUIREMENTS[kind])).hexdigest()


def read_stamp(venv):
    """What was installed, and where; empty if nothing was installed to the end."""
    try:
        return dict(json.loads((venv / STAMP).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def is_sound(venv):
    """Whether the environment runs, has pip, is new enough and stands where it was made."""
    if read_stamp(venv).get("place", str(venv)) != str(venv):
        return False
    probe = f"import pip, sys; sys.exit(sys.version_info < {OLDEST})"
    try:
        return subprocess.call([venv_python(venv), "-c", probe], timeout=60,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def make_venv(venv):
    """Make the environment, or make it again over a broken one."""
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise Halt(2, "这个 Python 缺少 venv 模块；Debian/Ubuntu 请先运行 apt install python3-venv。 / This "
                      "Python cannot make a virtual environment: on Debian or Ubuntu, run "
                      "`apt install python3-venv` first.")
    if venv.is_symlink():  # to an environment of another folder, which would be emptied
        venv.unlink()
    # The base interpreter, because the one running may live in the environment that is replaced.
    base = getattr(sys, "_base_executable", None) or sys.executable
    if not quietly([base, "-m", "venv", "--clear", str(venv)]):
        raise Halt(1, "无法创建 .venv；请关闭占用它的程序并删除该文件夹后重试。 / .venv could not be made: "
                      "close programs that use it, delete that folder and try again.")


def prepare(kind, root=ROOT):
    """The environment's Python, with the requirements of a kind ("run" or "dev") installed."""
    venv = root / ".venv"
    if not is_sound(venv):
        make_venv(venv)
    stamp = read_stamp(venv)
    if stamp.get(kind) != digest(root, kind):
        say("正在安装依赖，首次约需一至三分钟…… / Installing what is needed; it takes minutes at first ...")
        offline = kind == "run" and (root / WHEELS).is_dir()
        wheels = ["--no-index", "--find-links", str(root / WHEELS)] if offline else []
        if not quietly([venv_python(venv), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--no-input", "-r", str(root / REQUIREMENTS[kind][-1])] + wheels):
            raise Halt(1, "安装依赖失败；请检查网络或设置镜像（PIP_INDEX_URL）后重试。 / Installing failed: "
                          "check the network or set a mirror (PIP_INDEX_URL), then try again.")
        covered = [k for k, files in REQUIREMENTS.items() if set(files) <= set(REQUIREMENTS[kind])]
        stamp.update({k: digest(root, k) for k in covered}, place=str(venv))
        (venv / STAMP).write_text(json.dumps(stamp), encoding="utf-8")
    return venv_python(venv)


def fetch_wheels(root=ROOT):
    """Put the packages that a run and a public server need into a folder, for this system and this Python."""
    venv, part = root / ".venv", root / (WHEELS + ".part")  # so that a folder by that name is whole
    if not is_sound(venv):
        make_venv(venv)
    shutil.rmtree(str(part), ignore_errors=True)
    wanted = [part_of for name in ("requirements.txt", "requirements-server.txt") if (root / name).is_file()
              for part_of in ("-r", str(root / name))]
    say("正在下载依赖…… / Downloading what is needed ...")
    if not quietly([venv_python(venv), "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
                    "--only-binary", ":all:", "-d", str(part)] + wanted):
        raise Halt(1, "下载失败；请检查网络或设置镜像（PIP_INDEX_URL）后重试。 / Downloading failed: check the network "
                      "or set a mirror (PIP_INDEX_URL), then try again.")
    shutil.rmtree(str(root / WHEELS), ignore_errors=True)
    part.rename(root / WHEELS)
    say(f"已就绪：将整个项目文件夹（含 {WHEELS}，不含 .venv）带到内网机器，运行 python3 run.py。 / Ready: carry the "
        f"project's folder, with {WHEELS} and without .venv, to the other machine and run python3 run.py there.")
    return 0


def prepare_peers(root=ROOT):
    """The Python that has what the benchmark is compared with; empty, and said, where it cannot be had."""
    venv, wanted = root / ".venv-bench", root / PEERS
    if not wanted.is_file():
        return ""
    asked = hashlib.sha256(wanted.read_bytes()).hexdigest()
    if not is_sound(venv) or read_stamp(venv).get("bench") != asked:
        say("正在安装用于比较的软件包…… / Installing what the benchmark is compared with ...", sys.stderr)
        base = getattr(sys, "_base_executable", None) or sys.executable
        if not (quietly([base, "-m", "venv", "--clear", str(venv)])
                and quietly([venv_python(venv), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                             "--no-input", "-r", str(wanted)])):
            say("用于比较的软件包未能安装，将不与其比较。 / They could not be installed: the benchmark goes on without "
                "them.", sys.stderr)
            return ""
        (venv / STAMP).write_text(json.dumps({"bench": asked, "place": str(venv)}), encoding="utf-8")
    return venv_python(venv)


# ---- start the app -----------------------------------------------------------------------------

def is_free(port):
    """Whether nobody listens on the port and we could."""
    with socket.socket() as caller, socket.socket() as listener:
        caller.settimeout(0.3)
        # POSIX: a port is free although old connections linger. Windows: free means nobody shares it.
        option = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
        listener.setsockopt(socket.SOL_SOCKET, option, 1)
        try:
            if caller.connect_ex((HOST, port)) == 0:
                return False
            listener.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True


def pick_port(wanted=None, ports=PORTS):
    """The port asked for, or else the first free one."""
    for port in ports if wanted is None else [wanted]:
        if is_free(port):
            return port
    tried = f"{ports[0]}-{ports[-1]}" if wanted is None else wanted
    raise Halt(2, f"端口 {tried} 不可用；请用 --port 另选一个。 / Port {tried} cannot be used: choose "
                  "another with --port.")


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


def start(arguments):
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, metavar="N", help="default: 8501, or the next free one")
    parser.add_argument("--open", action="store_true", help="open the app in the web browser")
    options = parser.parse_args(arguments)
    if not (ROOT / "app.py").is_file():
        raise Halt(2, "本版本不含 app.py。 / app.py is not part of this version.")
    python, port = prepare("run"), pick_port(options.port)
    address = f"http://{HOST}:{port}"
    command = [python, "-m", "streamlit", "run", "server.py", "--server.address", HOST,
               "--server.port", str(port), "--server.headless", "true", "--logger.hideWelcomeMessage", "true"]
    try:
        with running(command) as server:
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
        raise Halt(1, "应用意外退出，原因见上。 / The app ended by itself; the reason stands above.")
    return 0


# ---- tests and tools ---------------------------------------------------------------------------

def usual_places(environ, platform):
    """Where installers put a browser without adding it to PATH."""
    bases, names = [], []
    if platform == "win32":
        bases = [environ.get(name) for name in ("ProgramFiles", "ProgramFiles(x86)", "LocalAppData")]
        names = ["Google/Chrome/Application/chrome.exe", "Chromium/Application/chrome.exe",
                 "Microsoft/Edge/Application/msedge.exe"]
    elif platform == "darwin":
        bases = ["/Applications", environ.get("HOME", "") + "/Applications"]
        names = [f"{app}.app/Contents/MacOS/{app}" for app in ("Google Chrome", "Chromium", "Microsoft Edge")]
    return [os.path.join(base, name) for base in bases if base for name in names]


def find_browser(environ, platform):
    """Path of a Chromium, Chrome or Edge; empty if there is none."""
    chosen, path = environ.get("CHROMIUM"), environ.get("PATH", "")
    found = [shutil.which(name, path=path) for name in ([chosen] if chosen else BROWSERS)]
    if not chosen:
        found += filter(os.path.isfile, usual_places(environ, platform))
    elif not found[0]:
        raise Halt(2, f"The variable CHROMIUM names no program that can be run: {chosen}")
    return next(filter(None, found), "")


def browser_for_tests():
    """A browser if there is one; CI must have one, and installs Debian's where it may."""
    found = find_browser(os.environ, sys.platform)
    if found:
        return found
    if os.environ.get("CI", "").lower() not in ("true", "1"):
        say("未找到 Chromium、Chrome 或 Edge，跳过浏览器测试。 / No Chromium, Chrome or Edge found: the "
            "browser tests are skipped.")
        return ""
    if debian_packages("chromium", "fonts-noto-cjk"):  # without the font the Chinese in the pages would be boxes
        found = find_browser(os.environ, sys.platform)
    if not found:
        raise Halt(1, "CI needs a Chromium, Chrome or Edge for the browser tests and found none: install "
                      "one, or name it in the variable CHROMIUM.")
    return found


def debian_packages(*names):
    """Install packages of Debian where that may be done; whether it was."""
    if not shutil.which("apt-get") or getattr(os, "geteuid", lambda: 1)() != 0:
        return False
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"] + list(names)
    return quietly(["apt-get", "update", "-qq"]) and quietly(install, DEBIAN_FRONTEND="noninteractive")


def servers_for_tests():
    """What the tests of a public server need, in CI: the proxy and the database server."""
    if os.environ.get("CI", "").lower() not in ("true", "1"):
        return
    here = os.environ.get("PATH", "") + ":/usr/sbin"
    missing = [package for command, package in (("nginx", "nginx-light"), ("pg_ctlcluster", "postgresql"))
               if not shutil.which(command, path=here)]
    if missing and not debian_packages(*missing):
        raise Halt(1, "CI could not install " + " and ".join(missing))


def module_file(name, root=ROOT):
    """The file `python -m name` would run, or None."""
    path = root.joinpath(*name.split("."))
    return next(filter(Path.is_file, (path.with_suffix(".py"), path / "__main__.py")), None)


def hand_over(module, arguments, **settings):
    """Run a module of the tests or tools in the foreground; its exit status."""
    with running([prepare("dev"), "-m", module] + arguments, **settings) as child:
        return child.wait()


def main(arguments):
    if old_python(sys.version_info):
        raise Halt(2, old_python(sys.version_info))
    if not arguments or arguments[0].startswith("-"):
        return start(arguments)
    command, rest = arguments[0], arguments[1:]
    if command == "install":
        prepare("run")
        say("已就绪。 / Ready.")
        return 0
    if command == "wheels":
        return fetch_wheels()
    if command == "test":
        browser = browser_for_tests()
        servers_for_tests()
        return hand_over("pytest", rest, SANDBOX_BROWSER=browser)
    if command not in MODULES:
        raise Halt(2, f"Unknown command `{command}`: `run.py --help` lists the commands.")
    module = MODULES[command]
    if not module_file(module):
        raise Halt(2, f"本版本不含 {module}。 / `{module}` is not part of this version.")
    settings = {}
    if command == "bench" and "--quick" not in rest:
        settings["SANDBOX_PEERS"] = prepare_peers()
    return hand_over(module, rest, **settings)


if __name__ == "__main__":
    # A service manager's stop must end the child as well: leave through the `finally` clauses.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(sys.argv[1:]))
    except Halt as halt:
        say(halt.args[1], sys.stderr)
        sys.exit(halt.args[0])
    except KeyboardInterrupt:
        sys.exit(130)
