"""Memory that a run gives back serves the next, and what a long one takes."""

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


LONG = """
from pathlib import Path
from simulation import load_scenario, simulate
simulate(load_scenario("shandong_nrcms_2011").model_copy(update={"years": 60}), 64, engine="table")
most = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(most.split()[1]) * 1024)  # of this program alone: `getrusage` tells the parent's where that was more
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


@pytest.mark.skipif(platform.system() != "Linux", reason="the most a program took is read from /proc")
def test_sixty_years_of_rising_ceilings_fit_a_small_machine():
    done = subprocess.run([sys.executable, "-c", LONG], cwd=ROOT, text=True, capture_output=True, check=True)
    assert int(done.stdout) < 1.5e9  # each ceiling settled for the mixes of all years took 5.8 GB
