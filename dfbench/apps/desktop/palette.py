"""How the window looks: colours on a light and on a dark ground, and the styles made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tkinter as tk


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by what they are for."""

    ground: str
    sheet: str
    ink: str
    soft: str
    line: str
    positive: str
    negative: str
    pressed: str
    warning: str
    warning_ground: str


LIGHT = Palette(
    ground="#f3f4f6",
    sheet="#ffffff",
    ink="#1f2328",
    soft="#5b6270",
    line="#c9ced6",
    positive="#b84a00",
    negative="#0072b2",
    pressed="#005a8c",
    warning="#8a4b00",
    warning_ground="#fff3dc",
)
DARK = Palette(
    ground="#202329",
    sheet="#2a2e36",
    ink="#e8eaed",
    soft="#a6adb8",
    line="#4a515c",
    positive="#f08a4b",
    negative="#56b4e9",
    pressed="#8accf0",
    warning="#ffcf87",
    warning_ground="#3a2a10",
)


def palette_of(root: tk.Tk) -> Palette:
    """Choose by the ground that the desktop gives its windows (``*background``)."""
    red, green, blue = (value / 65535 for value in root.winfo_rgb(root.cget("background")))
    return LIGHT if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else DARK


def dress(root: tk.Tk, palette: Palette, unit: float) -> None:
    """Give all widgets the colours, where the desktop has no theme of its own.

    Parameters
    ----------
    root, palette
        Window and colours.
    unit
        Pixels of a length of 1/96 inch.
    """
    from tkinter import ttk

    def px(length: float) -> int:
        return round(length * unit)

    style = ttk.Style(root)
    root.configure(background=palette.ground)
    if style.theme_use() not in ("default", "classic", "clam", "alt"):
        return
    style.theme_use("clam")
    style.configure(
        ".",
        background=palette.ground,
        foreground=palette.ink,
        bordercolor=palette.line,
        lightcolor=palette.sheet,
        darkcolor=palette.sheet,
        troughcolor=palette.ground,
        fieldbackground=palette.sheet,
        selectbackground=palette.negative,
        selectforeground=palette.sheet,
        insertcolor=palette.ink,
        focuscolor=palette.negative,
    )
    style.configure("TButton", background=palette.sheet, padding=(px(12), px(5)))
    style.map(
        "TButton",
        background=[("disabled", palette.ground), ("active", palette.line)],
        foreground=[("disabled", palette.soft)],
    )
    style.configure("Main.TButton", background=palette.negative, foreground=palette.sheet)
    style.map(
        "Main.TButton",
        background=[("disabled", palette.ground), ("active", palette.pressed)],
        foreground=[("disabled", palette.soft)],
    )
    style.map(
        "TCombobox",
        background=[("active", palette.line), ("pressed", palette.line)],
        fieldbackground=[("readonly", palette.sheet)],
        foreground=[("readonly", palette.ink)],
        selectbackground=[("readonly", palette.sheet)],
        selectforeground=[("readonly", palette.ink)],
    )
    style.configure(
        "TCombobox",
        background=palette.sheet,
        arrowcolor=palette.ink,
        arrowsize=px(14),
        padding=px(4),
    )
    style.configure(
        "Vertical.TScrollbar", background=palette.sheet, arrowcolor=palette.ink, arrowsize=px(14)
    )
    style.map("Vertical.TScrollbar", background=[("disabled", palette.ground)])
    style.configure("Soft.TLabel", foreground=palette.soft)
    style.configure("Horizontal.TProgressbar", background=palette.negative)
    for option, colour in {
        "*TCombobox*Listbox.background": palette.sheet,
        "*TCombobox*Listbox.foreground": palette.ink,
        "*TCombobox*Listbox.selectBackground": palette.negative,
        "*TCombobox*Listbox.selectForeground": palette.sheet,
    }.items():
        root.option_add(option, colour)
