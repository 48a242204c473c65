"""What the documents promise is what the code has."""

import re
from pathlib import Path

import pytest

from api.app import create_app
from shared.operations import BY_VARIANT
from shared.services import Services
from shared.settings import Settings, load_settings

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
NAMES = sorted(name.upper() for name in Settings.model_fields)
# Served by the framework or for browsers, not part of the contract with callers.
NOT_CONTRACT = {"/static/<path:filename>", "/docs/ui/<path:filename>"}


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_stands_in_the_readme_and_in_the_example(name: str) -> None:
    assert f"`{name}`" in README
    assert re.search(rf"^{name}=", EXAMPLE, re.MULTILINE)


def test_the_example_names_no_setting_that_does_not_exist() -> None:
    assert sorted(re.findall(r"^([A-Z_]+)=", EXAMPLE, re.MULTILINE)) == NAMES


def test_the_example_as_it_stands_gives_the_defaults() -> None:
    example = load_settings(ROOT / ".env.example").model_dump()

    assert example == load_settings(None).model_dump()


def test_every_route_stands_in_the_readme(services: Services) -> None:
    rules = {rule.rule for rule in create_app(services).url_map.iter_rules()} - NOT_CONTRACT

    missing = {rule for rule in rules if re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", rule) not in README}

    assert not missing


def test_every_price_stands_in_the_readme() -> None:
    for variant, operation in BY_VARIANT.items():
        credits = operation.variants[variant] / 1000

        assert re.search(rf"`{re.escape(variant)}` *\| *{credits:g} ", README), variant


def test_the_readme_is_not_too_long() -> None:
    assert len(README.splitlines()) <= 250


@pytest.mark.parametrize(
    "path",
    [
        each
        for kind in ("md", "yml", "json")
        for each in (*ROOT.glob(f"*.{kind}"), *(ROOT / "docs").rglob(f"*.{kind}"))
    ],
    ids=lambda path: path.name,
)
def test_what_is_pointed_to_exists(path: Path) -> None:
    # what stands in a block or between backticks is an example, not a link
    text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\((?!\w+:)([^)#\s]*)#?([^)\s]*)\)", text) if path.suffix == ".md" else []
    # alerts and the dashboard point from the root
    links += [(f"/{page}", anchor) for page, anchor in re.findall(r"(docs/\w+\.md)#([\w-]+)", text)]

    for page, anchor in links:
        meant = ROOT / page[1:] if page.startswith("/") else path.parent / page if page else path
        assert meant.exists(), page
        assert not anchor or anchor in anchors(meant), f"{page}#{anchor}"


def test_a_section_that_the_code_names_exists() -> None:
    sources = [each for room in ("api", "shared", "worker") for each in (ROOT / room).rglob("*.py")]
    named = {
        (page, title)
        for path in sources
        for page, title in re.findall(r'docs/(\w+\.md), "([^"]+)"', path.read_text())
    }

    assert named
    for page, title in named:
        assert f"\n## {title}\n" in (ROOT / "docs" / page).read_text(), title


def anchors(page: Path) -> set[str]:
    """Return by what the sections of a page are pointed to."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_route_answers_faults_in_the_shape_of_its_api(services: Services) -> None:
    app = create_app(services)
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "nothing-here", rule.rule)

        fault = client.delete(path)

        assert fault.status_code in {404, 405}
        if rule.rule.startswith("/v1/"):  # the OpenAI API has one of its own
            assert fault.get_json().keys() == {"error"}
            assert fault.get_json()["error"].keys() == {"message", "type", "param", "code"}
        else:
            assert {"error", "error_code", "request_id"} <= fault.get_json().keys()


def test_the_dependencies_are_pinned_exactly() -> None:
    for name in ("requirements.txt", "requirements-mcp.txt", "requirements-dev.txt"):
        lines = [
            line for line in (ROOT / name).read_text().splitlines() if re.match(r"[a-z]", line)
        ]

        assert len(lines) > 5
        assert all(re.match(r"[a-z0-9-]+==[\w.]+( ;|$)", line) for line in lines), name


def test_ci_calls_make_test_and_nothing_else() -> None:
    script = (ROOT / ".ci" / "run").read_text()

    assert "\nmake test\n" in script
    assert "pip" not in script


def test_the_lock_files_name_no_host() -> None:
    for path in ("requirements.txt", "requirements-mcp.txt", "requirements-dev.txt", "Makefile"):
        assert "://" not in (ROOT / path).read_text()
