"""Digest of the code that computes something: a rename, a comment or an error text leave it alone.

The digest of a class or function covers its own definition and every definition of this repository
that it reaches, found by name in the syntax trees: nothing is imported or run. Of a class, those
methods count whose name is used anywhere in what is reached. Left out are docstrings, annotations,
and what is said in errors and warnings; names of modules, functions, classes, methods and local
variables are replaced by what they stand for. Names of attributes and keywords count. A table that
a definition names by its file's name is part of it.
"""

import ast
import builtins
import hashlib
from functools import lru_cache
from importlib.util import resolve_name
from pathlib import Path

from paths import REPOSITORY

PACKAGE = "cromel_sklearn"
FOLDERS = (REPOSITORY / "benchmarks", REPOSITORY)
#: Methods that are called without being named.
ENTRIES = frozenset({"fit", "transform", "predict", "predict_proba", "decision_function"})
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_TABLES = (".csv", ".json", ".npz", ".safetensors")

#: A definition: module, its name there, and of a method its name in the class.
Place = tuple[str, str, str]


def digest(*objects, beyond: tuple[str, ...] = ()) -> str:
    """Digest of classes or functions, 16 hexadecimal digits.

    Parameters
    ----------
    *objects : classes or functions
    beyond : tuple of str
        Beginnings of names of modules that are not followed: their results are compared otherwise,
        or are no part of what is computed.
    """
    return _digest_of(_roots(objects), beyond)


def constants_digest(*objects, beyond: tuple[str, ...] = ()) -> str:
    """Digest of the constants alone that a digest covers: sizes, rates, names of members."""
    places = _reached(_roots(objects), beyond)
    named = [p for p in places if not p[2] and _is_constant(_module(p[0]).definitions[p[1]])]
    return _hash("\n".join(sorted(_Dump(place, {}).text for place in named)))[:16]


def _is_constant(nodes: list[ast.stmt]) -> bool:
    return not any(isinstance(node, _DEFINITIONS) for node in nodes)


def file_digest(path: Path) -> str:
    """Digest of a whole script, without comments and docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, *_DEFINITIONS)) and ast.get_docstring(node):
            node.body = node.body[1:]
    return _hash(ast.dump(tree))[:16]


def _roots(objects) -> tuple[tuple[str, str], ...]:
    return tuple((o.__module__, o.__qualname__.partition(".")[0]) for o in objects)


@lru_cache(maxsize=64)
def _digest_of(roots: tuple[tuple[str, str], ...], beyond: tuple[str, ...]) -> str:
    reached = _reached(roots, beyond)
    labels = {place: _hash(_Dump(place, {}).text) for place in reached}
    for _ in range(2):  # what a name stands for, and what the names in that stand for
        labels = {place: _hash(_Dump(place, labels).text) for place in reached}
    return _hash("\n".join(sorted(labels.values())))[:16]


def reached_names(*objects, beyond: tuple[str, ...] = ()) -> list[str]:
    """Names of the definitions that a digest covers, to look at."""
    places = _reached(_roots(objects), beyond)
    return sorted(".".join(filter(None, place)) for place in places)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class _Module:
    """Definitions and imports at the top of a module of this repository."""

    def __init__(self, name: str, path: Path):
        self.name, self.path = name, path
        self.definitions: dict[str, list[ast.stmt]] = {}
        self.imports: dict[str, tuple[str, str]] = {}
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            self._add(node)

    def _add(self, node: ast.stmt) -> None:
        if isinstance(node, _DEFINITIONS):
            self.definitions.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self.imports |= imported(node, self.name, self.path)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}:
                self.definitions.setdefault(name, []).append(node)
        else:
            for inner in ast.iter_child_nodes(node):
                if isinstance(inner, ast.stmt):
                    self._add(inner)


def imported(node, module: str, path: Path) -> dict[str, tuple[str, str]]:
    """Local name -> (module, name there, or nothing for the module itself)."""
    if isinstance(node, ast.Import):
        return {a.asname or a.name.partition(".")[0]: (a.name, "") for a in node.names}
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    relative = "." * node.level + (node.module or "")
    source = resolve_name(relative, package) if node.level else relative
    return {alias.asname or alias.name: (source, alias.name) for alias in node.names}


@lru_cache(maxsize=512)
def _module(name: str) -> _Module | None:
    """A module of this repository, None for any other."""
    for folder in FOLDERS:
        path = folder.joinpath(*name.split("."))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.exists() and (folder != REPOSITORY or name.partition(".")[0] == PACKAGE):
                return _Module(name, file)
    return None


def _resolve(source: str, name: str) -> Place | str:
    """Where a definition is, through modules that hand it on; text if it is not ours."""
    for _ in range(10):
        module = _module(source)
        if module is None:
            return f"{source}:{name}"
        if name in module.definitions:
            return (source, name, "")
        if name in module.imports:
            source, name = module.imports[name]
            continue
        if _module(f"{source}.{name}"):
            return f"module {source}.{name}"
        if source != PACKAGE or name not in _public_homes():
            break
        source = f"{PACKAGE}.{_public_homes()[name]}"  # found lazily
    return f"{source}:{name}"


@lru_cache(maxsize=1)
def _public_homes() -> dict[str, str]:
    """Public name of the package -> module that defines it, below the package."""
    (assignment,) = _module(PACKAGE).definitions["_HOME"]
    return ast.literal_eval(assignment.value)


def _reached(roots: tuple[tuple[str, str], ...], beyond: tuple[str, ...]) -> list[Place]:
    """Every definition that is reached, in no particular order of meaning."""
    starts = [_resolve(module, name) for module, name in roots]
    missing = [root for root, start in zip(roots, starts, strict=True) if isinstance(start, str)]
    if missing:
        raise ValueError(f"No definitions of this repository: {missing}.")
    seen: dict[Place, _Dump] = {}
    used = set(ENTRIES)
    todo = [start for start in starts if not isinstance(start, str)]
    while True:
        while todo:
            place = todo.pop()
            if place not in seen and not place[0].startswith(beyond):
                seen[place] = dump = _Dump(place, {})
                todo += dump.places
                used |= dump.attributes
        todo = [
            (module, name, method)
            for module, name, inner in list(seen)
            if not inner
            for method in _methods(module, name)
            if (method in used or method.startswith("__")) and (module, name, method) not in seen
        ]
        if not todo:
            return sorted(seen)


def _methods(module: str, name: str) -> list[str]:
    nodes = _module(module).definitions[name]
    return [
        inner.name
        for node in nodes
        if isinstance(node, ast.ClassDef)
        for inner in node.body
        if isinstance(inner, _DEFINITIONS)
    ]


class _Dump(ast.NodeVisitor):
    """Text of a definition with names replaced; what it names is noted on the way."""

    def __init__(self, place: Place, labels: dict[Place, str]):
        module, name, method = place
        self.module, self.labels = _module(module), labels
        self.places: list[Place] = []
        self.attributes: set[str] = set()
        self.locals: dict[str, int] = {}
        self.imports = dict(self.module.imports)
        self.parts: list[str] = []
        nodes: list[ast.AST] = list(self.module.definitions[name])
        if method:
            nodes = [
                inner
                for node in nodes
                for inner in node.body
                if isinstance(inner, _DEFINITIONS) and inner.name == method
            ]
        self.skip_methods = not method
        self.own = method or name
        for node in nodes:
            self.visit(node)
        self.text = "|".join(self.parts)

    def generic_visit(self, node):
        """Write the kind of a node, then what it holds."""
        self.parts.append(type(node).__name__)
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "type_comment", "kind", "ctx", "type_params"):
                continue
            if field == "name" and isinstance(node, _DEFINITIONS):
                continue
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, ast.AST):
                    if not self._is_left_out(node, item):
                        self.visit(item)
                elif item is not None:
                    self.parts.append(f"{field}={item!r}")
            self.parts.append(";")

    def _is_left_out(self, node, item) -> bool:
        is_text = isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)
        if is_text and isinstance(item.value.value, str):
            return True
        is_method = isinstance(node, ast.ClassDef) and isinstance(item, _DEFINITIONS)
        return is_method and self.skip_methods

    def visit_Raise(self, node):
        """An error is an error, whatever it says."""
        self.parts.append("Raise")

    def visit_Call(self, node):
        """Leave out what a warning says."""
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "warnings.warn":
            self.parts.append("Warn")
        else:
            self.generic_visit(node)

    def visit_Import(self, node):
        """Imports inside a function: the names they bring."""
        self.imports |= imported(node, self.module.name, self.module.path)

    def visit_ImportFrom(self, node):
        """Likewise."""
        self.visit_Import(node)

    def visit_arg(self, node):
        """Parameters are numbered."""
        self.parts.append(self._local(node.arg))

    def visit_Name(self, node):
        """Say what a name stands for."""
        self.parts.append(self._name(node.id))

    def visit_Attribute(self, node):
        """Follow `module.name`; note the name of any other attribute."""
        if isinstance(node.value, ast.Name) and node.value.id in self.imports:
            source, name = self.imports[node.value.id]
            inner = f"{source}.{name}" if name else source
            if _module(inner):
                self.parts.append(self._place(_resolve(inner, node.attr)))
                return
        self.attributes.add(node.attr)
        meant = sorted(label for place, label in self.labels.items() if place[2] == node.attr)
        self.parts.append(f"Attribute {','.join(meant) or node.attr}")
        self.visit(node.value)

    def visit_Constant(self, node):
        """Strings may name attributes, or a table beside the module."""
        self.parts.append(repr(node.value))
        if isinstance(node.value, str):
            if node.value.isidentifier():
                self.attributes.add(node.value)
            table = self.module.path.parent / node.value
            if node.value.endswith(_TABLES) and table.is_file():
                self.parts.append(hashlib.sha256(table.read_bytes()).hexdigest())

    def _name(self, name: str) -> str:
        if name in self.locals:
            return self._local(name)
        if name == self.own and not self.imports.get(name):
            return "itself"
        if name in self.imports:
            source, there = self.imports[name]
            return self._place(_resolve(source, there)) if there else f"module {source}"
        if name in self.module.definitions:
            return self._place((self.module.name, name, ""))
        return name if hasattr(builtins, name) else self._local(name)

    def _local(self, name: str) -> str:
        return f"local{self.locals.setdefault(name, len(self.locals))}"

    def _place(self, found: Place | str) -> str:
        if isinstance(found, str):
            return found
        self.places.append(found)
        return self.labels.get(found, "ours")
