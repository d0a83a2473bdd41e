"""What the page says of a data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dfbench.apps.web.words import escape
from dfbench.results.board import sentences
from dfbench.results.board.board import Table
from dfbench.results.render.notebook import sections_to_html
from dfbench.results.render.report import embedded


def chapter(table: Table, overviews: Mapping[str, Path]) -> str:
    """Tell what the images are, what is wrong with them, and how they look.

    Parameters
    ----------
    table
        Of the data set.
    overviews
        Pictures at a glance, by data set.
    """
    found = [f'<h2 class="df-head">{escape(table.dataset)}</h2>']
    found += [f'<p class="df-outside">{escape(text)}.</p>' for text in table.warnings]
    facts = sentences.facts(table)
    if facts:
        found.append(f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in facts)}</ul>")
    else:
        found.append("<p>No row has run on it.</p>")
    found += [f"<p>{escape(text)}.</p>" for text in table.notes]
    path = overviews.get(table.dataset)
    if path is not None:
        found.append(
            f'<div class="df-plots">{embedded(f"{table.dataset} at a glance", path)}</div>'
        )
    if table.sections:
        found.append(
            "<details><summary>What was looked into</summary>"
            f'<div class="df-scroll">{sections_to_html(table.sections)}</div></details>'
        )
    return "".join(found)
