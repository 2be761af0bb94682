"""Cut definitions out of the source text of an exercise's files."""

from __future__ import annotations

import ast


def definition(source: str, name: str) -> str:
    """The text of one top-level function or class, without its decorators; "" if there is none."""
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            return "\n".join(source.splitlines()[node.lineno - 1 : node.end_lineno])
    return ""


def closure(source: str, name: str) -> list[str]:
    """The source of one top-level name after those of the imports, constants and helpers it needs."""
    nodes = {key: node for node in ast.parse(source).body for key in _defined(node)}
    needed: set[str] = set()
    pending = [name]
    while pending:
        key = pending.pop()
        if key in nodes and key not in needed:
            needed.add(key)
            pending += [n.id for n in ast.walk(_undecorated(nodes[key])) if isinstance(n, ast.Name)]
    chosen = {id(node): node for key, node in nodes.items() if key in needed}
    lines = source.splitlines()
    texts = [(node.lineno, "\n".join(lines[node.lineno - 1 : node.end_lineno])) for node in chosen.values()]
    return [text for _, text in sorted(texts)]


def _undecorated(node: ast.stmt) -> ast.stmt:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        node.decorator_list = []
    return node


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []
