"""The page at which JupyterLab opens: the labs, how far the learner is, and a way into each."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.compose import KERNEL
from autograder.course import Course, Lab
from autograder.errors import UserError
from autograder.progress import lab_rows

PAGE = "start.ipynb"
PAGE_CELL = "start-page"
INTRODUCTION = """# Winning Ticket

Labs on adapting language models. Open a lab, write each function, and run the check below it:
it says at once what is wrong and why. Run the cell below to start a lab or to see this page anew."""


def overview(course: Course, work: Path) -> str:
    """The labs as a Markdown table with links to those that have been started."""
    lines = ["| lab | minutes | solved | |", "|---|---|---|---|"]
    for lab in course.labs:
        rows = lab_rows(lab)
        solved = f"{sum(row.solved for row in rows)} of {len(rows)}"
        notebook = f"{lab.name}/{lab.name}.ipynb"
        place = f"[open]({notebook})" if (work / notebook).is_file() else "not started"
        lines.append(f"| {lab.title} | {lab.front_matter.get('minutes', '')} | {solved} | {place} |")
    return "\n".join(lines)


def start_page() -> None:
    """Show the labs in a notebook, with a button for each that has not been started."""
    import ipywidgets
    from IPython.display import Markdown, display

    course, work = Course.find(), Path.cwd()
    shown = ipywidgets.Output()
    buttons = ipywidgets.HBox(layout=ipywidgets.Layout(flex_flow="row wrap"))

    def draw() -> None:
        shown.outputs = ()
        with shown:
            display(Markdown(overview(course, work)))
        fresh = [lab for lab in course.labs if not (work / lab.name).exists()]
        buttons.children = [_button(lab, work, shown, draw) for lab in fresh]

    draw()
    display(shown, buttons)


def _button(lab: Lab, work: Path, shown: Any, draw: Any) -> Any:
    import ipywidgets

    from autograder.work import start

    button = ipywidgets.Button(description=f"Start: {lab.title}", tooltip=f"Copy the lab into {work / lab.name}")

    def on_click(_: Any) -> None:
        try:
            start(lab, work)
        except UserError as error:
            with shown:
                print(error)
            return
        draw()

    button.on_click(on_click)
    return button


def write_page(course: Course, work: Path) -> Path:
    """Write the start page with today's progress; a page that the learner has changed is kept."""
    path = work / PAGE
    work.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        try:
            old = nbformat.read(path, as_version=4)
        except Exception:
            return path
        if [cell.source for cell in old.cells] != [INTRODUCTION, _PAGE_SOURCE]:
            return path
    cell = new_code_cell(_PAGE_SOURCE, id=PAGE_CELL)
    cell.outputs = [
        new_output("display_data", data={"text/markdown": overview(course, work), "text/plain": overview(course, work)})
    ]
    page = new_notebook(
        cells=[new_markdown_cell(INTRODUCTION, id="introduction"), cell], metadata={"kernelspec": KERNEL}
    )
    nbformat.write(page, path)
    return path


_PAGE_SOURCE = "from autograder.start_page import start_page\n\nstart_page()"


def open_lab(course: Course, work: Path, port: int, browser: bool) -> int:
    """Run JupyterLab on the work folder, open at the start page; returns its exit status."""
    write_page(course, work)
    port = _free_port(port)
    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24)
    print(f"JupyterLab: http://localhost:{port}/lab/tree/{PAGE}?token={token}\nStop it with Ctrl-C.", flush=True)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={work}", f"--port={port}"]
    command += [f"--LabApp.default_url=/lab/tree/{PAGE}", "--log-level=WARN"]
    command += [] if browser else ["--no-browser"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    ours = str(Path(__file__).parent / "jupyter_config")
    paths = os.pathsep.join(filter(None, (ours, os.environ.get("JUPYTER_CONFIG_PATH"))))
    environment = {**os.environ, "JUPYTER_CONFIG_PATH": paths, "JUPYTER_TOKEN": token}
    try:
        return subprocess.run(command, check=False, env=environment).returncode
    except KeyboardInterrupt:
        return 0


def _free_port(first: int) -> int:
    """The first port from `first` on that nobody listens on; `first` itself when all are taken."""
    for port in range(first, first + 50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    return first
