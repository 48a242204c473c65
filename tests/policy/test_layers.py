"""The rules of the house that a reviewer would forget to check."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROOMS = {"api", "worker", "shared", "sandbox", "client"}
SOURCES = [ROOT / "app.py", *sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def _imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def _rooms_seen_from(room: str) -> set[str]:
    names = {name for path in (ROOT / room).rglob("*.py") for name in _imports(path)}
    return {name.split(".")[0] for name in names} & ROOMS - {room}


@pytest.mark.parametrize(
    ("room", "allowed"),
    [
        ("api", {"shared"}),
        ("worker", {"shared"}),
        ("shared", set()),
        ("sandbox", set()),
        ("client", set()),
    ],
)
def test_arrows_go_one_way(room: str, allowed: set[str]) -> None:
    assert _rooms_seen_from(room) <= allowed


def test_shared_knows_no_flask() -> None:
    names = {name for path in (ROOT / "shared").glob("*.py") for name in _imports(path)}

    assert not {name for name in names if name.split(".")[0] in {"flask", "werkzeug", "gunicorn"}}


def test_the_client_runs_where_only_requests_and_rich_are_installed() -> None:
    assert _foreign("client") == {"requests"}
    assert _foreign("client/cli") == {"rich"}


def test_the_tools_for_assistants_need_only_what_is_listed_for_them() -> None:
    listed = (ROOT / "requirements-mcp.in").read_text().split()

    # the types of the protocol come with it
    assert _foreign("client/mcp") - {"mcp_types"} <= set(listed)


def _foreign(folder: str) -> set[str]:
    own = {*sys.stdlib_module_names, "client"}
    paths = (ROOT / folder).glob("*.py")
    return {name.split(".")[0] for path in paths for name in _imports(path)} - own


def test_pictures_are_decoded_in_a_worker_alone() -> None:
    paths = [path for room in ("api", "shared") for path in (ROOT / room).rglob("*.py")]

    assert not {name for path in paths for name in _imports(path) if name.split(".")[0] == "PIL"}


def test_no_modules_import_each_other_in_a_circle() -> None:
    arrows = {_module(path): _imports(path) for path in SOURCES}
    arrows = {name: seen & arrows.keys() - {name} for name, seen in arrows.items()}

    while free := {name for name, seen in arrows.items() if not seen & arrows.keys()}:
        arrows = {name: seen for name, seen in arrows.items() if name not in free}

    assert not arrows


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_longer_than_300_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


def test_functions_are_short() -> None:
    lengths = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                name = f"{path.relative_to(ROOT)}:{node.name}"
                lengths[name] = (node.end_lineno or 0) - node.lineno + 1

    in_order = sorted(lengths.values())
    assert not {name: length for name, length in lengths.items() if length > 45}
    assert in_order[len(in_order) // 2] <= 10
    assert in_order[len(in_order) * 9 // 10] <= 24


def test_only_the_entries_read_the_environment() -> None:
    readers = {str(path.relative_to(ROOT)) for path in SOURCES if "os.environ" in path.read_text()}

    # app.py and backup.py hand settings to their children, embedded_redis.py its environment to the
    # server, lifeline.py learns whether it is such a child; the client's command line and its tools for
    # assistants have an environment of their own
    entries = {"app.py", "client/cli/context.py", "shared/lifeline.py", "shared/settings.py"}
    children = {"shared/backup.py", "shared/embedded_redis.py"}
    assert readers <= entries | children | {"client/mcp/main.py"}


def test_routes_neither_abort_nor_catch() -> None:
    blueprints = [path for path in (ROOT / "api").rglob("*.py") if "Blueprint(" in path.read_text()]

    assert len(blueprints) >= 5
    for path in blueprints:
        tree = ast.parse(path.read_text())
        routes = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and node.decorator_list
        ]
        assert "abort(" not in path.read_text()
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Try)], path
        assert all((node.end_lineno or 0) - node.lineno <= 15 for node in routes)


def test_every_call_of_requests_has_a_time_out() -> None:
    calls = [
        (path, node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"get", "post", "put", "request"}
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"requests", "session"}
    ]

    assert calls
    for path, call in calls:
        assert "timeout" in {keyword.arg for keyword in call.keywords}, path


def test_tests_patch_next_to_nothing() -> None:
    patches = sum(len(re.findall(r"mock\.patch|@patch", path.read_text())) for path in TESTS)

    assert patches - 1 <= 5  # the pattern above is one
