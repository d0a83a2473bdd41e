"""The board for a terminal, as renderables of rich."""

from dfbench.results.render.terminal.board import BoardView
from dfbench.results.render.terminal.section import SectionView

__all__ = ["BoardView", "SectionView"]
