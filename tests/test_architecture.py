"""The rules that a reviewer would otherwise repeat: directions of imports, sizes, annotations."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("council", "backend", "serving")

# A module may import from its own layer and from those before it.
LAYERS = [
    ["council.errors", "council.logs", "council.messages", "council.tasks"],
    [
        *("council.budget", "council.limits", "council.place", "council.prices", "council.replies"),
        *("council.retry", "council.ticket", "council.worst_case"),
    ],
    ["council.result"],
    ["council.events", "council.config"],
    ["council.price_table"],
    ["council.agents"],
    [
        *("council.answer_form", "council.embedding", "council.expert", "council.hedge"),
        *("council.ignored", "council.quorum"),
    ],
    ["council.live"],
    ["council.accounts", "council.asking", "council.asks"],
    ["council.metered", "council.stage"],
    ["council.event_queue", "council.panel"],
    ["council.strategies"],
    ["council.checks", "council.structured"],
    ["council.assemble"],
    ["council.store", "council.telemetry"],
    ["council.tools"],
    ["council.run", "council.seating"],
    ["council.sources"],
    ["council.history"],
    ["council.conversation"],
    ["council.council", "council.doctor", "council.embedder_exam", "council.findings"],
    ["council.drafting", "council.hub", "council.offers", "council.servers"],
    ["council.continuing", "council.evaluation", "council.rerun"],
    ["council.remote"],
    ["council.gateway"],
    ["council"],  # the public names
    ["council.mcp"],
    ["council.__main__", "council.cli"],
    ["council.testing"],
]

BACKEND_LAYERS = [
    ["backend", "backend.builtin", "backend.cpus", "backend.errors", "backend.gguf", "backend.sse"],
    ["backend.options"],
    ["backend.settings"],
    ["backend.chat"],
    ["backend.engine"],
    ["backend.keeper", "backend.memory", "backend.sessions"],
    ["backend.registry"],
    ["backend.schema"],
    ["backend.api"],
    ["backend.app"],
    ["backend.server"],
    ["backend.model_arguments"],
    ["backend.__main__", "backend.cli"],
]

SERVING_LAYERS = [
    ["serving", "serving.errors", "serving.sizes", "serving.window"],
    ["serving.accounts", "serving.drain", "serving.origins"],
    ["serving.keys", "serving.listener"],
    ["serving.key_file"],
    ["serving.options"],
    ["serving.exchange"],
    ["serving.access_log", "serving.log_lines"],
    ["serving.gate"],
    ["serving.arguments", "serving.body"],
]
# What a package must not know. Both programs stand on `serving`, which knows neither.
OTHERS = {"council": ("backend",), "backend": ("council",), "serving": ("backend", "council")}
STACKS = {"council": LAYERS, "backend": BACKEND_LAYERS, "serving": SERVING_LAYERS}


def modules(package: str) -> dict[str, Path]:
    files = sorted((ROOT / package).rglob("*.py"))
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in files
    }


def imports(file: Path) -> set[str]:
    """Every module that a file imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write imports from the top, not relative ones"
            names.add(str(node.module))
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def layer(module: str) -> int:
    for number, names in enumerate(STACKS[module.split(".")[0]]):
        for name in names:
            if module == name or (name not in PACKAGES and module.startswith(f"{name}.")):
                return number
    raise AssertionError(f"{module} is in no layer: add it to LAYERS and to ARCHITECTURE.md")


COUNCIL = modules("council")
ALL = {**COUNCIL, **modules("backend"), **modules("serving")}
LLAMA = "backend.engine.llama"


@pytest.mark.parametrize("module", sorted(ALL))
def test_imports_go_one_way(module: str) -> None:
    package = module.split(".")[0]
    known = {name for name in imports(ALL[module]) if name in ALL and name not in PACKAGES}
    # A package's own `__init__` gathers what its modules offer, so it counts with its package.
    known = {name for name in known if name.split(".")[0] == package}
    late = [name for name in known if layer(name) > layer(module)]
    assert not late, f"{module} imports from a later layer: {late} (see ARCHITECTURE.md)"


@pytest.mark.parametrize("module", sorted(ALL))
def test_the_packages_meet_on_the_wire_only(module: str) -> None:
    others = OTHERS[module.split(".")[0]]
    crossing = [name for name in imports(ALL[module]) if name.split(".")[0] in others]
    assert not crossing, f"{module} imports {crossing}: the packages meet in JSON over HTTP"


def test_llama_cpp_stays_in_its_package_and_out_of_the_server() -> None:
    for name, file in ALL.items():
        if any(target.split(".")[0] == "llama_cpp" for target in imports(file)):
            assert name.startswith(LLAMA), f"{name} imports llama_cpp: only {LLAMA} may"
    reached, ahead = set[str](), ["backend.cli"]
    while ahead:
        reached.add(name := ahead.pop())
        ahead += [target for target in imports(ALL[name]) if target in ALL.keys() - reached]
    assert not [name for name in reached if name.startswith(LLAMA)]


def test_no_import_loops() -> None:
    graph = {
        name: {target for target in imports(file) if target in ALL and target != name}
        for name, file in ALL.items()
    }
    # Importing `a.b.c` from within package `a.b` runs no loop: only modules count, not parents.
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"import loop: {' -> '.join((*path, name))}"
        if name in done:
            return
        for target in graph[name]:
            visit(target, (*path, name))
        done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("module", sorted(ALL))
def test_files_stay_small(module: str) -> None:
    lines = ALL[module].read_text().count("\n")
    assert lines <= 500, f"{module} has {lines} lines: split it by what it does"


def test_most_files_are_smaller_still() -> None:
    long = [name for name, file in ALL.items() if file.read_text().count("\n") > 300]
    assert len(long) * 10 <= len(ALL), f"too many files over 300 lines: {long}"


@pytest.mark.parametrize("module", sorted(ALL))
def test_functions_stay_small(module: str) -> None:
    for node in ast.walk(ast.parse(ALL[module].read_text())):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        doc = node.body[0] if ast.get_docstring(node) else None
        documented = (doc.end_lineno or 0) - doc.lineno + 1 if doc else 0
        length = (node.end_lineno or 0) - node.lineno + 1 - documented
        assert length <= 50, f"{module}.{node.name} has {length} lines: split it"


@pytest.mark.parametrize("module", sorted(ALL))
def test_every_module_says_what_it_is(module: str) -> None:
    assert ast.get_docstring(ast.parse(ALL[module].read_text())), f"{module} has no docstring"
