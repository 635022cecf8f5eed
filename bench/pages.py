"""The server's time for a lever move on every page, with the quick draws of a control being moved."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.timing import Row, seconds

ROOT = Path(__file__).resolve().parent.parent
SCENARIO, POOLED = "urrbmi_county_2026", "city_pooling_2012"
OF_PAGE = {"areas": POOLED}  # a page that has little to say of a single county
SLIDER = "quick.contribution"
DRAWER = "benefits.rate"  # a drawer of levers stands open, as when one of them is being moved


def pages() -> list[str]:
    """The pages in app.py's list, in order."""
    tree = ast.parse((ROOT / "app.py").read_text(encoding="utf-8"))
    named = {target.id: node.value for node in tree.body if isinstance(node, ast.Assign) for target in node.targets
             if isinstance(target, ast.Name)}
    return [key.value for key in named["PAGES"].keys]


def measured(runs: int, only: tuple[str, ...] = ()) -> Iterator[Row]:
    """Each page: opened and a lever moved once; then another lever position each time, to the end of the script."""
    logging.disable(logging.WARNING)  # there is no server: warnings would say so for every run
    from streamlit.testing.v1 import AppTest

    from ui import runs as of_pages

    at_rest, of_pages.STABLE = of_pages.STABLE, of_pages.QUICK  # what a moving control is answered with
    used = 0  # positions of the slider that have been answered, and would be answered from memory
    try:
        for page in only or pages():
            screen = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600)
            screen.context = {"locale": "zh-CN"}
            screen.query_params["scenario"] = OF_PAGE.get(page, SCENARIO)
            section, name = DRAWER.split(".")
            screen.session_state[f"in.{section}"] = screen.session_state[f"of.{section}.{name}"] = True
            screen.run()
            if page != pages()[0]:
                screen.switch_page(f"ui/pages/{page}.py").run()
            if not any(slider.key == SLIDER for slider in screen.slider):
                yield Row(f"page {page}, drawn again: no lever stands beside it", runs,
                          median(seconds(screen.run) for _ in range(runs)))
                continue
            taken = []
            for _ in range(runs + 1):
                used += 1
                slider = next(slider for slider in screen.slider if slider.key == SLIDER)
                taken.append(seconds(slider.set_value(slider.min + used * slider.step).run))
            if screen.exception:
                raise AssertionError(f"{page}: {screen.exception[0].message}")
            yield Row(f"page {page}, a lever moved", runs, median(taken[1:]))
    finally:
        logging.disable(logging.NOTSET)
        of_pages.STABLE = at_rest
