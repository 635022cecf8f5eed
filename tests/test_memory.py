"""Memory that a run gives back serves the next."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
AGAIN = """
import resource
from simulation import load_scenario, memory, simulate
if {as_it_comes}:
    memory.platform.libc_ver = lambda: ("", "")
fresh = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
scenario = load_scenario("benxi_2008")
for _ in range(3):
    before = fresh()
    simulate(scenario, draws=16_384)
print((fresh() - before) * resource.getpagesize())
"""


def fresh_of_the_third_run(as_it_comes: bool) -> int:
    """Bytes that the system gave out for a run after two like it, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", AGAIN.format(as_it_comes=as_it_comes)], cwd=ROOT, text=True,
                          capture_output=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this C library decides for itself what it keeps")
def test_a_run_after_others_takes_little_fresh_memory():
    kept, as_it_comes = (fresh_of_the_third_run(choice) for choice in (False, True))
    assert kept < 20e6 < as_it_comes
