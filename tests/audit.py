"""Published faults of the packages that are installed: `python3 run.py audit` (0: none, 1: some, 3: nobody answered).

A service that answers nothing would make every package look sound. So it is first asked about a version whose fault has
been known for years; only one that names it is asked about the rest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple

KNOWN_BAD = "requests==2.19.0"  # CVE-2018-18074
SERVICES = ("pypi", "osv")  # of pip-audit
OWN = "SANDBOX_AUDIT_URL"  # of a copy of the OSV service, for a network of one's own
PATIENCE = 900  # seconds for all packages; each answer is awaited for TIMEOUT
TIMEOUT = 10

Look = Callable[[Sequence[str], str], list[dict]]


class Audit(NamedTuple):
    """What a service said of some packages."""

    service: str
    checked: int
    faulty: tuple[str, ...]  # name, version and the numbers of its faults
    unknown: tuple[str, ...]  # packages the service does not have


def installed() -> list[str]:
    """Every package of this environment with its version, as pins."""
    return sorted({f"{one.metadata['Name']}=={one.version}" for one in distributions()}, key=str.casefold)


def look(pins: Sequence[str], service: str) -> list[dict]:
    """What pip-audit says of some pins, one entry a package; none where the service does not answer."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "pins.txt"
        listed.write_text("\n".join(pins) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "--requirement", str(listed),
                   "--format", "json", "--progress-spinner", "off", "--timeout", str(TIMEOUT),
                   "--vulnerability-service", service]
        if url := os.environ.get(OWN):
            command += ["--osv-url", url]
        try:
            said = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE).stdout
            return json.loads(said)["dependencies"]
        except (subprocess.TimeoutExpired, ValueError, KeyError):
            return []


def audit(pins: Sequence[str], look: Look = look, services: Sequence[str] = SERVICES) -> Audit | None:
    """What the first service that answers says of some pins; None where none answers."""
    for service in services:
        if any(one.get("vulns") for one in look([KNOWN_BAD], service)) and (found := look(pins, service)):
            return Audit(
                service, sum("skip_reason" not in one for one in found),
                tuple(f"{one['name']} {one['version']}: {', '.join(fault['id'] for fault in one['vulns'])}"
                      for one in found if one.get("vulns")),
                tuple(one["name"] for one in found if "skip_reason" in one))
    return None


def main(look: Look = look) -> int:
    """Ask about what is installed, and say what came of it; the exit status."""
    services = ("osv",) if os.environ.get(OWN) else SERVICES
    found = audit(installed(), look, services)
    if found is None:
        print(f"NOT AUDITED: none of {', '.join(services)} answered. Try again where the internet is reached, or name "
              f"a copy of the OSV service in {OWN}.")
        return 3
    print(f"{found.checked} packages checked with {found.service}, {len(found.faulty)} with published faults")
    for line in found.faulty:
        print(f"  {line}")
    if found.unknown:
        print(f"  not known there, so not checked: {', '.join(found.unknown)}")
    return 1 if found.faulty else 0


if __name__ == "__main__":
    sys.exit(main())
