"""The window: its parts, and what happens when a person acts on them."""

from __future__ import annotations

import contextlib
import tkinter as tk
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tkinter import filedialog, messagebox, ttk
from tkinter.font import Font
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dfbench.apps.desktop import drawing
from dfbench.apps.desktop.palette import dress, palette_of
from dfbench.apps.desktop.words import elided, message, told, visible
from dfbench.detectors.pictures import Picture, look
from dfbench.formats import image_suffixes
from dfbench.images import Image

if TYPE_CHECKING:
    from dfbench.apps.desktop.background import Background
    from dfbench.apps.shelf import Shelf
    from dfbench.detectors.detector import Detector
    from dfbench.detectors.verdict import Verdict

_T = TypeVar("_T")
_POLL = 50
"""Milliseconds between looks at what other threads have done."""
_SIDE_BY_SIDE = 620
"""Width from which on picture and verdict stand side by side; as all lengths in 1/96 inch."""
_EMPTY = "No image chosen"


class _Shown(NamedTuple):
    """The picture in the window."""

    path: Path
    picture: Picture
    drawn: Image
    """Small enough to be drawn often."""


class _Answer(NamedTuple):
    """What a detector said."""

    detector: Detector
    verdict: Verdict


class Window:
    """Choose a picture, see it, ask a detector.

    Parameters
    ----------
    root
        Is filled.
    shelf
        Detectors to choose among.
    background
        Does what takes long.
    ask_path
        Lets a person choose a file: is given the folder to begin in, and gives a path or nothing.

    Attributes
    ----------
    browse, predict
        The buttons.
    choice
        The box of detectors; with one it cannot be opened.
    preview, result
        Where the picture is drawn, and where the verdict stands.
    closed
        Whether the window is gone.
    """

    def __init__(
        self,
        root: tk.Tk,
        shelf: Shelf,
        background: Background,
        ask_path: Callable[[Path], str] | None = None,
    ) -> None:
        self.root, self._shelf, self._background = root, shelf, background
        self._ask_path = ask_path or partial(_ask_path, root)
        self._unit = root.winfo_fpixels("1i") / 96
        self._palette = palette_of(root)
        dress(root, self._palette, self._unit)
        self._shown: _Shown | None = None
        self._answer: _Answer | None = None
        self._opening: Path | None = None
        self._asking: tuple[Picture, str] | None = None
        self._photo: tk.PhotoImage | None = None
        self.closed = False
        self._lay_out(shelf.names)
        self._bind()
        self._refresh()
        self._poll()

    @property
    def shown_name(self) -> str:
        """Name and size of the picture as they stand below it."""
        return self._name.get()

    # --- what a person does --------------------------------------------------------------------

    def choose(self) -> None:
        """Let a person choose a file, and open it."""
        path = self._ask_path(self._shown.path.parent if self._shown else Path.cwd())
        if path and not self.closed:
            self.open(Path(path))

    def open(self, path: Path) -> None:
        """Read a picture; what is shown stays until it is read."""
        self._opening = path
        self._background.do(
            partial(_read, path), partial(self._opened, path), partial(self._not_opened, path)
        )
        self._refresh()

    def ask(self) -> None:
        """Ask the chosen detector about the picture."""
        if self._shown is None or self.predict.instate(["disabled"]):
            return
        question = (self._shown.picture, self.choice.get())
        self._asking = question
        self._background.do(
            partial(_judge, self._shelf, *question),
            partial(self._judged, question),
            partial(self._not_judged, question),
        )
        self._refresh()

    def close(self) -> None:
        """Close the window; what is under way ends before the program does."""
        if not self.closed:
            self.closed = True
            self.root.destroy()

    # --- what comes of it ----------------------------------------------------------------------

    def _opened(self, path: Path, shown: _Shown) -> None:
        if path is not self._opening:  # another was chosen since
            return
        self._opening = None
        self._shown = shown
        self._forget_answer()
        self.predict.focus_set()

    def _not_opened(self, path: Path, error: Exception) -> None:
        if path is self._opening:
            self._opening = None
            self._refresh()
            self._complain(f"{path.name} cannot be shown", error)

    def _judged(self, question: tuple[Picture, str], answer: _Answer) -> None:
        if question is not self._asking:  # another picture or detector was chosen since
            return
        self._asking = None
        self._answer = answer
        self._refresh()

    def _not_judged(self, question: tuple[Picture, str], error: Exception) -> None:
        if question is self._asking:
            self._asking = None
            self._refresh()
            self._complain("There is no verdict", error)

    def _forget_answer(self) -> None:
        self._asking = self._answer = None
        self._refresh()

    def _complain(self, what: str, error: Exception) -> None:
        # where the window is closed over the dialog
        with contextlib.suppress(tk.TclError):
            messagebox.showerror("dfbench", visible(what), detail=message(error), parent=self.root)

    def _poll(self) -> None:
        if not self.closed:
            self.root.after(_POLL, self._poll)  # first, as a dialog would hold it up
            self._background.deliver()

    # --- what is seen --------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Show what is known now."""
        ready = self._shown is not None and self._opening is None and self._asking is None
        self.predict.state(["!disabled" if ready else "disabled"])
        if self._opening is not None:
            status = f"Reading {visible(self._opening.name)}"
        elif self._asking is not None:
            status = f"Asking {visible(self._asking[1])}"
        else:
            status = ""
        self._status.set(status)
        if status:
            self._busy.grid()
            self._busy.start(15)
        else:
            self._busy.stop()
            self._busy.grid_remove()
        self._write()
        self._draw()

    def _write(self) -> None:
        """Write the verdict, or what to do for one."""
        text = self.result
        text.configure(state="normal")
        text.delete("1.0", "end")
        if self._answer is not None:
            detector, verdict = self._answer
            names = verdict.classes
            tone = "" if detector.positive is None else "negative"
            if detector.positive is not None and verdict.label == names[detector.positive]:
                tone = "positive"
            for style, said in told(detector, verdict):
                if style == "scale":
                    text.window_create("end", window=self._new_scale())
                tags = (style, tone) if style == "label" else (style,)
                text.insert("end", f"{said}\n", tags)
        elif self._asking is not None:
            text.insert("end", "The verdict will stand here.", "soft")
        elif self._shown is not None:
            text.insert("end", "Press Predict (Enter).", "soft")
        else:
            text.insert("end", "Choose an image: Browse (Ctrl+O).", "soft")
        text.configure(state="disabled")

    def _new_scale(self) -> tk.Canvas:
        scale = tk.Canvas(
            self.result, background=self._palette.sheet, highlightthickness=0, width=1, height=1
        )
        self._scale = scale
        self.root.after_idle(self._fit_scale)
        return scale

    def _fit_scale(self) -> None:
        """Make the drawing of the scores as wide as the text."""
        if self.closed or self._answer is None or not self._scale.winfo_exists():
            return
        room = self.result.winfo_width() - 2 * int(self.result.cget("padx")) - self._px(6)
        self._scale.configure(width=max(room, self._px(60)))
        detector, verdict = self._answer
        drawing.draw_scores(self._scale, verdict, detector.positive, self._palette, self._unit)

    def _draw(self) -> None:
        """Draw the picture as large as there is room, and its name as far as there is."""
        if self.closed:
            return
        canvas = self.preview
        width, height = canvas.winfo_width(), canvas.winfo_height()
        canvas.delete("all")
        if self._shown is None:
            self._photo = None
            canvas.create_text(
                width // 2, height // 2, text=_EMPTY, fill=self._palette.soft, font="TkDefaultFont"
            )
            self._name.set("")
            return
        pixels = drawing.fitted(self._shown.drawn, max(width, 1), max(height, 1))
        self._photo = drawing.photo(self.root, pixels)
        canvas.create_image(width // 2, height // 2, image=self._photo)
        font = Font(self.root, name="TkDefaultFont", exists=True)
        height, width = self._shown.picture.pixels.shape[:2]
        size = f"  {width:,} x {height:,}"
        room = self._caption.winfo_width() - font.measure(size) - self._px(6)
        self._name.set(elided(visible(self._shown.path.name), font.measure, room) + size)

    def _px(self, length: float) -> int:
        return round(length * self._unit)

    def _lay_out(self, names: list[str]) -> None:
        root, px, palette = self.root, self._px, self._palette
        root.title("dfbench")
        root.columnconfigure(0, weight=1)
        root.rowconfigure(1, weight=1)

        bar = ttk.Frame(root, padding=(px(12), px(10), px(12), px(4)))
        bar.grid(row=0, column=0, sticky="ew")
        bar.columnconfigure(1, weight=1)
        self.browse = ttk.Button(bar, text="Browse...", command=self.choose)
        self.browse.grid(row=0, column=0)
        self.choice = ttk.Combobox(bar, values=names, state="readonly", width=10)
        self.choice.set(names[0])
        self.predict = ttk.Button(bar, text="Predict", style="Main.TButton", command=self.ask)
        self.predict.grid(row=0, column=2)

        self._body = ttk.Frame(root, padding=(px(12), px(6)))
        self._body.grid(row=1, column=0, sticky="nsew")
        self.preview = tk.Canvas(
            self._body,
            background=palette.sheet,
            highlightthickness=1,
            highlightbackground=palette.line,
            width=px(150),
            height=px(110),
        )
        self._name = tk.StringVar(root)
        self._caption = ttk.Label(
            self._body, textvariable=self._name, style="Soft.TLabel", width=10
        )

        self._right = ttk.Frame(self._body)
        self._right.columnconfigure(0, weight=1)
        self._right.rowconfigure(0, weight=1)
        self.result = self._new_text()
        self.result.grid(row=0, column=0, sticky="nsew")
        self._scroll = ttk.Scrollbar(self._right, command=self.result.yview)
        # over the empty edge of the text, so that lines break where they did
        self.result.configure(
            padx=max(px(12), self._scroll.winfo_reqwidth() + px(4)), yscrollcommand=self._scrolled
        )
        self._arrange(side_by_side=True)

        foot = ttk.Frame(root, padding=(px(12), 0, px(12), px(8)))
        foot.grid(row=2, column=0, sticky="ew")
        foot.columnconfigure(0, weight=1)
        foot.rowconfigure(0, minsize=px(20))
        self._status = tk.StringVar(root)
        ttk.Label(foot, textvariable=self._status, style="Soft.TLabel", width=10).grid(
            row=0, column=0, sticky="ew"
        )
        self._busy = ttk.Progressbar(foot, mode="indeterminate", length=px(110))
        self._busy.grid(row=0, column=1, padx=(px(8), 0))

        width = min(px(860), root.winfo_screenwidth())
        height = min(px(540), root.winfo_screenheight())
        root.geometry(f"{width}x{height}")
        root.minsize(px(320), px(360))

    def _new_text(self) -> tk.Text:
        px, palette = self._px, self._palette
        font = Font(self.root, name="TkDefaultFont", exists=True)
        size = abs(int(font.actual("size")))
        family = font.actual("family")
        text = tk.Text(
            self._right,
            font="TkDefaultFont",
            width=20,
            height=6,
            wrap="word",
            pady=px(8),
            relief="flat",
            background=palette.sheet,
            foreground=palette.ink,
            highlightthickness=1,
            highlightbackground=palette.line,
            highlightcolor=palette.negative,
            selectbackground=palette.negative,
            selectforeground=palette.sheet,
            inactiveselectbackground=palette.line,
            cursor="arrow",
            spacing3=px(3),
        )
        text.tag_configure("label", font=(family, round(2.2 * size), "bold"), spacing3=0)
        text.tag_configure("positive", foreground=palette.positive)
        text.tag_configure("negative", foreground=palette.negative)
        text.tag_configure(
            "warning",
            foreground=palette.warning,
            background=palette.warning_ground,
            spacing1=px(6),
            spacing3=px(6),
            lmargin1=px(6),
            lmargin2=px(6),
            rmargin=px(6),
        )
        text.tag_configure("scale", spacing1=px(6), spacing3=px(6))
        text.tag_configure("head", font=(family, size, "bold"), spacing1=px(10))
        text.tag_configure("item", lmargin1=px(10), lmargin2=px(10))
        text.tag_configure("soft", foreground=palette.soft, spacing1=px(10))
        text.tag_raise("sel")
        return text

    def _arrange(self, *, side_by_side: bool) -> None:
        """Put picture and verdict beside or below each other."""
        gap = self._px(10)
        self._body.columnconfigure(0, weight=1, uniform="half")
        self._body.columnconfigure(
            1, weight=int(side_by_side), uniform="half" if side_by_side else ""
        )
        self._body.rowconfigure(0, weight=1)
        self._body.rowconfigure(2, weight=int(not side_by_side))
        if side_by_side:
            self.choice.grid(row=0, column=1, columnspan=1, sticky="ew", padx=gap, pady=0)
        else:
            self.choice.grid(row=1, column=0, columnspan=3, sticky="ew", padx=0, pady=(gap, 0))
        self.preview.grid(row=0, column=0, sticky="nsew")
        self._caption.grid(row=1, column=0, columnspan=2, sticky="ew", pady=(self._px(4), 0))
        if side_by_side:
            self._right.grid(row=0, column=1, sticky="nsew", padx=(gap, 0), pady=0)
        else:
            self._right.grid(row=2, column=0, sticky="nsew", padx=0, pady=(gap, 0))

    def _scrolled(self, first: float, last: float) -> None:
        """Show the scroll bar where there is more than fits."""
        self._scroll.set(first, last)
        if float(first) <= 0 and float(last) >= 1:
            self._scroll.place_forget()
        else:
            self._scroll.place(
                in_=self._right, relx=1, x=-1, y=1, relheight=1, height=-2, anchor="ne"
            )

    def _bind(self) -> None:
        root = self.root
        root.protocol("WM_DELETE_WINDOW", self.close)
        for key in ("<Control-o>", "<Control-O>"):
            root.bind(key, lambda _: self.choose())
        for key in ("<Control-q>", "<Control-w>"):
            root.bind(key, lambda _: self.close())
        for key in ("<Return>", "<KP_Enter>"):
            root.bind(key, self._entered)
        self.choice.bind("<<ComboboxSelected>>", self._chosen)
        self.preview.bind("<Configure>", lambda _: self._draw())
        self._caption.bind("<Configure>", lambda _: self._draw())
        self._body.bind("<Configure>", self._resized)
        self.result.bind("<Configure>", lambda _: self._fit_scale() if self._answer else None)
        # a click into the text should let keys scroll it
        self.result.bind("<Button-1>", lambda _: self.result.focus_set(), add=True)

    def _entered(self, event: tk.Event[Any]) -> None:
        self.choose() if event.widget is self.browse else self.ask()

    def _chosen(self, _: tk.Event[Any]) -> None:
        self.choice.selection_clear()
        self._forget_answer()

    def _resized(self, event: tk.Event[Any]) -> None:
        self._arrange(side_by_side=event.width >= self._px(_SIDE_BY_SIDE))


def _read(path: Path) -> _Shown:
    picture = look(path)
    return _Shown(path, picture, drawing.reduced(picture.pixels))


def _judge(shelf: Shelf, picture: Picture, name: str) -> _Answer:
    detector = shelf.get(name)
    return _Answer(detector, detector.verdicts([picture])[0])


def _ask_path(root: tk.Tk, folder: Path) -> str:
    """Show the dialog of files; nothing where it is left, also as the window is closed."""
    both = [case for suffix in sorted(image_suffixes()) for case in (suffix, suffix.upper())]
    try:
        chosen = filedialog.askopenfilename(
            parent=root,
            title="Choose an image",
            initialdir=folder,
            filetypes=[("Images", both), ("All files", "*")],
        )
    except tk.TclError:
        return ""
    return str(chosen or "")  # an empty tuple where it is left
