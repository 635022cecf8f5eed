"""The model of the Medical Insurance Fund Sandbox 医保基金沙盘."""

__version__ = "0.1.0"

from simulation.backtest import backtest  # noqa: E402
from simulation.household import settle  # noqa: E402
from simulation.model import simulate  # noqa: E402
from simulation.scenario import load_scenario  # noqa: E402

__all__ = ["__version__", "backtest", "load_scenario", "settle", "simulate"]
