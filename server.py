"""The app as a server: `streamlit run server.py`. It serves app.py, says at /health how it is, and keeps a log."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulation import __version__
from store.health import Health, health

FRESH = 5.0  # seconds for which an answer about the database holds, however often somebody asks
SELDOM = 20_000  # objects made and not yet let go before they are searched for garbage
asked: dict[str, Any] = {"at": float("-inf"), "health": None}
asking = asyncio.Lock()


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Begin with everything loaded and the first answer made, so that the first reader need not wait."""
    from ui import logs  # the front end's caches want a server that has begun

    logs.begin()
    logs.started((await run_in_threadpool(health)).kind)
    await run_in_threadpool(begin)
    yield
    end()
    logs.event("stop", version=__version__)


def begin() -> None:
    """Begin the processes that make runs, and make the answers the app opens with; nobody waits for the stable ones.

    What is loaded by then is not searched for garbage again, and what pages leave behind, seldom.
    """
    from ui.hands import Hands
    from ui.runs import draws_for, hands, run
    from ui.view import FIRST, view_of

    with suppress(ImportError, OSError):  # on a system without semaphores a page makes its own runs
        hands().append(Hands(count := os.cpu_count() or 1, count - 1))
    view = view_of(FIRST)
    run(view, draws_for(view, settled=False))
    gc.collect()
    gc.freeze()
    gc.set_threshold(SELDOM, *gc.get_threshold()[1:])
    threading.Thread(target=run, args=(view, draws_for(view, settled=True)), daemon=True).start()


def end() -> None:
    """Let those processes go."""
    from ui.runs import hands

    for each in hands():
        each.end()


async def told(_: Request) -> JSONResponse:
    """How the server is: 200 where it can answer and keep what is saved, 503 where it cannot."""
    async with asking:
        if time.monotonic() - asked["at"] > FRESH:
            asked.update(health=await run_in_threadpool(health), at=time.monotonic())
    now: Health = asked["health"]
    fault = now.fault and now.fault.what.model_dump()  # not its place: that names the machine
    return JSONResponse({"status": "fault" if fault else "ok", "version": __version__, "database": now.kind,
                         "tables": now.version, "fault": fault},
                        503 if fault else 200, {"Cache-Control": "no-store"})


def failed(error: Exception) -> bool:
    """Tell the reader that something went wrong, in one sentence; what, is in the log under the number."""
    from ui import logs
    from ui.text import t

    st.error(t("app.fault", number=logs.fault(error)), icon=":material/error:")
    return True


app = st.App("app.py", lifespan=lifespan, routes=[Route("/health", told)], on_script_error=failed)
