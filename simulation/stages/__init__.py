"""The stages of a year: each turns levers and futures into yearly flows; `model.py` knows their order."""
