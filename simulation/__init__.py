"""The model of the Medical Insurance Fund Sandbox 医保基金沙盘."""

import os

# The model's matrices are small: threads of the matrix library would only wait for one another, and their number moves
# last digits. Said here to a library that is loaded later, and at the end to one that a program loaded before.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
__version__ = "0.2.0"

from threadpoolctl import threadpool_limits  # noqa: E402

from simulation.backtest import backtest  # noqa: E402
from simulation.compare import compare  # noqa: E402
from simulation.goalseek import goal_seek  # noqa: E402
from simulation.household import settle  # noqa: E402
from simulation.loading import load_scenario
from simulation.model import simulate  # noqa: E402
from simulation.sensitivity import sensitivity  # noqa: E402

threadpool_limits(1, user_api="blas")
__all__ = ["__version__", "backtest", "compare", "goal_seek", "load_scenario", "sensitivity", "settle", "simulate"]
