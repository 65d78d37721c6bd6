"""The shape of the house in numbers: ``python -m tests.tools.house`` prints them, a test holds
them."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from tests.paths import ROOT

FOLDERS: Final = ("robot", "models", "calibration", "firmware")
LONGEST: Final = 300
GENERATED: Final = {"robot/wire.py"}
LAYERS: Final = ("mien.calibration", "mien.robot", "mien.models", "mien.firmware")


@cache
def sources() -> dict[str, Path]:
    """Dotted name -> file of every module of the package."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    out = {}
    for name in listed:
        if name.split("/")[0] in FOLDERS and (ROOT / name).is_file():
            dotted = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            out[f"mien.{dotted}"] = ROOT / name
    return out


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text())


def imports(name: str) -> Iterator[str]:
    """Modules of the package that a module imports, anywhere in it."""
    known = sources()
    for node in ast.walk(tree(known[name])):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield from (
                    [full] if full in known else [node.module] if node.module in known else []
                )
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name in known)


def cycles() -> list[list[str]]:
    """Groups of modules that import each other (Tarjan 1972)."""
    graph = {name: set(imports(name)) - {name} for name in sources()}
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in graph[name]:
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            group, stack[at:] = stack[at:], []
            if len(group) > 1:
                found.append(sorted(group))

    sys.setrecursionlimit(10_000)
    for name in graph:
        if name not in index:
            visit(name)
    return found


def upward() -> list[str]:
    """Imports of a higher folder by a lower one. Rooms within a folder are import-linter's."""
    rank = {layer: k for k, layer in enumerate(LAYERS)}
    out = []
    for name in sources():
        own = rank[".".join(name.split(".")[:2])]
        out += [
            f"{name} -> {other}"
            for other in imports(name)
            if rank[".".join(other.split(".")[:2])] < own
        ]
    return out


def long_files() -> list[str]:
    """Files of more than 300 lines, with their lengths."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *(f"{f}/*" for f in (*FOLDERS, "tests"))],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    out = []
    for name in listed:
        path = ROOT / name
        if path.suffix in {".py", ".c", ".h", ".js", ".css", ".html"} and path.is_file():
            lines = len(path.read_text().splitlines())
            if lines > LONGEST and name not in GENERATED:
                out.append(f"{name}: {lines}")
    return out


def undocumented() -> list[str]:
    """Public modules, classes, functions and methods without a docstring."""
    out = []
    for name, path in sources().items():
        module = tree(path)
        if module.body and not ast.get_docstring(module):
            out.append(name)
        out += [f"{name}.{thing}" for thing in _bare(module.body)]
    return out


def _bare(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_") or _overrides(node):
            continue
        if not ast.get_docstring(node):
            yield prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from _bare(node.body, f"{prefix}{node.name}.")


def _overrides(node: ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) -> bool:
    named = [ast.unparse(d) for d in node.decorator_list]
    return any(d.endswith((".setter", "overload", "override")) for d in named)


def private() -> list[str]:
    """Places in tests that reach into an object: ``thing._attribute`` of another than ``self``,
    an imported ``_name``, and either of them as the text of a ``setattr``."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "tests/*.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return [
        f"{name}:{line}: {attribute}"
        for name in listed
        if (ROOT / name).is_file()
        for line, attribute in reached(tree(ROOT / name))
    ]


def reached(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of each private name of somebody else that a module uses."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            own = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
            names = [] if own else [node.attr]
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("setattr", "delattr")):
            texts = [a.value for a in node.args[:2] if isinstance(a, ast.Constant)]
            names = [t.rpartition(".")[2] for t in texts[:1] if isinstance(t, str)]
        else:
            continue
        for name in names:
            if name.startswith("_") and not name.endswith("__"):
                yield node.lineno, name


def top(folder: str) -> int:
    """Files at the top of a folder, documents left out."""
    return sum(
        1
        for p in (ROOT / folder).iterdir()
        if p.is_file() and not re.search(r"(\.md|\.so|\.pyc|_core\.c)$", p.name)
    )


def numbers() -> dict[str, int]:
    """All of it, as counts."""
    return {
        **{f"files_at_top_{folder}": top(folder) for folder in FOLDERS},
        "upward_imports": len(upward()),
        "import_cycles": len(cycles()),
        "files_over_300_lines": len(long_files()),
        "undocumented_names": len(undocumented()),
        "private_names_in_tests": len(private()),
        "modules": len(sources()),
    }


if __name__ == "__main__":
    print(json.dumps(numbers(), indent=2))
    for problem in (*upward(), *map(str, cycles()), *long_files(), *undocumented(), *private()):
        print(problem)
