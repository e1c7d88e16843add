"""Fails on an include against the arrows: app → ui → engine → kernels.

Direct includes are judged by folder. Two rules follow includes through the headers of ui/: ui/charts reaches no
engine header, and ui/models reaches no widget.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

FOLDERS = ("kernels", "engine", "ui", "app", "resources", "tests")
SUFFIXES = {".hpp", ".h", ".cpp", ".c", ".cu", ".cuh"}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]')
BACKEND_HEADER = re.compile(r"kernels/(cpu|cuda|vulkan)/")

QT_HEADER = re.compile(r"(Q[A-Z]\w*|Qt\w+(/.*)?|(?!quadmath)q[a-z]+\.h)$")
QT_MODULES = (
    "QtCharts QtConcurrent QtCore QtDBus QtGui QtNetwork QtOpenGL QtOpenGLWidgets QtPrintSupport QtSql QtSvg"
    " QtSvgWidgets QtTest QtWidgets QtXml"
).split()
WIDGET_MODULE = re.compile(r"(QtWidgets|QtCharts|QtSvgWidgets|QtOpenGLWidgets|QtPrintSupport)/")
# The classes of QtWidgets and QtCharts: families by their names, the others listed without their Q.
WIDGET_FAMILY = re.compile(
    r"Q(Graphics|Style(?!Hints$)|Abstract(Graphics|Item[DV]|Button|Scroll|Slider|Spin))\w*$"
    r"|Q\w+(Gesture|Dialog|Widget|Series|Axis|Chart|LegendMarker|ModelMapper)$"
    r"|Q(Chart\w*|Legend\w*|BarSet|BoxSet|CandlestickSet|PieSlice)$"
)
OTHER_WIDGETS = frozenset(
    f"Q{name}"
    for name in """
    Application BoxLayout ButtonGroup CheckBox Colormap ColumnView ComboBox CommandLinkButton CommonStyle
    Completer DataWidgetMapper DateEdit DateTimeEdit Dial Dialog DialogButtonBox DoubleSpinBox ErrorMessage
    FileIconProvider FocusFrame FontComboBox FormLayout Frame Gesture GestureEvent GestureRecognizer
    GridLayout GroupBox HBoxLayout HeaderView ItemDelegate ItemEditorCreator ItemEditorCreatorBase
    ItemEditorFactory KeySequenceEdit LCDNumber Label Layout LayoutItem LineEdit ListView ListWidgetItem
    MainWindow MdiArea MdiSubWindow Menu MenuBar MessageBox PlainTextDocumentLayout PlainTextEdit
    ProgressBar ProxyStyle PushButton RadioButton RubberBand ScrollArea ScrollBar Scroller
    ScrollerProperties SizeGrip SizePolicy Slider SpacerItem SpinBox SplashScreen Splitter SplitterHandle
    StackedLayout StandardItemEditorCreator StatusBar SystemTrayIcon TabBar TableView TableWidgetItem
    TableWidgetSelectionRange TextBrowser TextEdit TileRules TimeEdit ToolBar ToolBox ToolButton ToolTip
    TreeView TreeWidgetItem TreeWidgetItemIterator UndoView VBoxLayout WhatsThis Widget WidgetAction
    WidgetData WidgetItem WidgetItemV2 Wizard WizardPage
    """.split()
)


@dataclass(frozen=True)
class Include:
    line: int
    target: str  # relative to the root for the project's own headers, else as it is written

    @property
    def folder(self) -> str:
        first = self.target.split("/", 1)[0]
        return first if first in FOLDERS else ""

    @property
    def is_qt(self) -> bool:
        return QT_HEADER.match(self.target) is not None

    @property
    def is_whole_module(self) -> bool:
        return self.target.split("/")[-1] in QT_MODULES

    @property
    def is_widget(self) -> bool:
        if WIDGET_MODULE.match(f"{self.target}/"):
            return True
        name = self.target.split("/")[-1]
        return name in OTHER_WIDGETS or WIDGET_FAMILY.match(name) is not None


class Tree:
    """The project's source files and what each of them includes."""

    def __init__(self, root: Path) -> None:
        self.includes: dict[str, list[Include]] = {}
        for folder in FOLDERS:
            for path in sorted((root / folder).rglob("*")):
                if path.suffix in SUFFIXES and path.is_file():
                    self.includes[path.relative_to(root).as_posix()] = list(read_includes(root, path))

    def chains(self, start: str) -> Iterator[tuple[list[str], Include]]:
        """Every include reached from a file through headers of ui/, with the files on the way to it."""
        seen = {start}
        waiting = [[start]]
        while waiting:
            chain = waiting.pop()
            for include in self.includes.get(chain[-1], []):
                yield chain, include
                if include.folder == "ui" and include.target not in seen:
                    seen.add(include.target)
                    waiting.append([*chain, include.target])


def read_includes(root: Path, path: Path) -> Iterator[Include]:
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if match := INCLUDE.match(line):
            beside = (path.parent / match[1]).resolve()
            if beside.is_file() and beside.is_relative_to(root):
                yield Include(number, beside.relative_to(root).as_posix())
            else:
                yield Include(number, match[1])


def direct_fault(path: str, include: Include) -> str | None:
    """Why a file must not include this, judged by the two names alone."""
    if include.is_whole_module:
        return "includes a whole Qt module; include the classes"
    folder = PurePosixPath(path).parts[0]
    if folder == "tests":
        return None
    is_window = path == "app/gui.cpp"
    allowed = {
        "kernels": {"kernels"},
        "engine": {"engine", "kernels"},
        "ui": {"ui", "engine"},
        "app": {"app", "engine", "ui"} if is_window else {"app", "engine"},
        "resources": set[str](),
    }[folder]
    if include.folder and include.folder not in allowed:
        return f"{path if folder == 'app' else folder} must not include {include.folder}/"
    if folder == "engine" and BACKEND_HEADER.match(include.target):
        return "engine must not include a backend's header"
    if include.is_qt and folder != "ui" and not is_window:
        return f"{folder} must not include Qt"
    return None


def find_faults(root: Path) -> tuple[list[str], int]:
    """Messages for all violations, and the number of files read."""
    tree = Tree(root)
    faults = []
    for path, includes in tree.includes.items():
        for include in includes:
            if reason := direct_fault(path, include):
                faults.append(f"{path}:{include.line}: {include.target}: {reason}")
        if not path.startswith(("ui/charts/", "ui/models/")):
            continue
        for chain, include in tree.chains(path):
            way = " → ".join(chain)
            if path.startswith("ui/charts/") and include.folder == "engine":
                faults.append(f"{way}:{include.line}: {include.target}: ui/charts must know no engine type")
            if path.startswith("ui/models/") and include.is_widget:
                faults.append(f"{way}:{include.line}: {include.target}: ui/models must not include widgets")
    return faults, len(tree.includes)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    faults, files = find_faults(parser.parse_args().root.resolve())
    print(*faults, sep="\n", end="\n" if faults else "")
    print(f"{files} files, {len(faults)} includes against the arrows")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
