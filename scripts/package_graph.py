"""The graph of the packages, drawn from the imports in the code: `make graph`.

Prints it as Mermaid and puts it into docs/architecture.md, between the two markers. An arrow means "imports". Arrows
that follow from others are left out, and so are the modules at the top that import no package.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- graph of the packages: make graph -->", "<!-- end of the graph -->"
PLANES = ("clickstream_assets", "spark")
# Packages that are as the plain modules at the top: all may import them, and they import no other package.
PLAIN = ("clickstream_assets.settings",)

Graph = dict[str, set[str]]


def main() -> int:
    text = DOCUMENT.read_text()
    DOCUMENT.write_text(with_graph(text))
    sys.stdout.write(mermaid())
    return 0


def with_graph(text: str) -> str:
    """The document with today's graph between the markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n```mermaid\n{mermaid()}```\n{END}{after}"


def mermaid() -> str:
    lines = ["graph LR"]
    for plane in PLANES:
        graph = without_shortcuts(_with_packages_alone(imports_within(plane), plane))
        lines.append(f"  subgraph {plane}")
        for node in sorted(graph):
            label = node.removeprefix(f"{plane}.")
            lines.append(f"    {node}[{label}/]" if is_package(node) else f"    {node}([{label}])")
        lines += [f"    {node} --> {target}" for node in sorted(graph) for target in sorted(graph[node])]
        lines.append("  end")
    return "\n".join(lines) + "\n"


def imports_within(plane: str) -> Graph:
    """Which package or module at the top imports which other one of the same plane."""
    graph: Graph = {}
    for module, imported in imports_of_modules(plane).items():
        node = node_of(module)
        graph.setdefault(node, set()).update(
            node_of(name) for name in imported if name.startswith(f"{plane}.") and node_of(name) != node
        )
    return graph


def imports_of_modules(plane: str) -> Graph:
    """What each module of a plane imports of this project, wherever in it."""
    files = {_name(file): file for name in PLANES for file in (ROOT / name).rglob("*.py")}
    return {
        module: {name for name in _imported(file) if name in files and name != module}
        for module, file in files.items()
        if module.startswith(f"{plane}.")
    }


def node_of(module: str) -> str:
    """The package that a module is in, or the module itself where it is at the top of its plane."""
    return ".".join(module.split(".")[:2])


def without_shortcuts(graph: Graph) -> Graph:
    """The same graph without the arrows that follow from others. It must have no cycle."""
    reached = {node: _reached(graph, node) for node in graph}
    return {
        node: {to for to in targets if not any(to in reached[other] for other in targets - {to})}
        for node, targets in graph.items()
    }


def cycles(graph: Graph) -> set[str]:
    """The nodes that can be reached from themselves."""
    return {node for node in graph if node in _reached(graph, node)}


def _reached(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    left = [start]
    while left:
        new = graph.get(left.pop(), set()) - seen
        seen |= new
        left += new
    return seen


def _with_packages_alone(graph: Graph, plane: str) -> Graph:
    """Without the modules at the top that import no package: most packages use them."""
    packages = {node for node in graph if is_package(node)}
    shown = packages | {node for node in graph if graph[node] & packages and node != plane}
    return {node: graph[node] & shown for node in shown}


def is_package(node: str) -> bool:
    return node not in PLAIN and ROOT.joinpath(*node.split(".")).is_dir()


def _name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


if __name__ == "__main__":
    sys.exit(main())
