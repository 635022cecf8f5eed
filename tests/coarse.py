"""Fewer claim histories, for tests whose answers are held against runs made of the same ones."""

from collections.abc import Iterator

import pytest

from simulation.engines import blocks, histories


def coarse() -> Iterator[None]:
    """Fewer histories, and years with very many stays counted as fewer, until a module's tests are over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(histories, "TAIL", 0.02)
        patch.setattr(blocks, "SAMPLED", {0: 512, 1: 64})
        blocks.blocks.cache_clear()
        histories.KEPT.clear()
        yield
    blocks.blocks.cache_clear()
    histories.KEPT.clear()
