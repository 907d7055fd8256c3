"""The HTML report is one inert file: complete without scripts, below its size, and silent on the network."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.model import (
    ControlFlowGraph,
    Expectations,
    HttpService,
    RunStatus,
    StepStatus,
    Violation,
    ViolationType,
)
from orchestra_kit.reporting.assembly import build_report
from orchestra_kit.reporting.files import write_html
from orchestra_kit.reporting.html import SIZE_LIMIT, render_html
from orchestra_kit.reporting.html.script import SCRIPT, script_hash
from orchestra_kit.reporting.html.values import comparison, lines_of, value_block
from orchestra_kit.reporting.report import RunFacts, SuiteReport

VOID = {"meta", "input", "br", "hr"}
PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</title></style></script><script>alert(1)</script>",
    "javascript:alert(1)",
    "<!--<script>",
    "]]><script>alert(1)</script>",
]


class Page(HTMLParser):
    """What a browser would see, as far as the tests ask; SVG shapes close themselves."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if "script" not in self.open and "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        return [found for name, found in self.elements if name == tag and wanted.items() <= found.items()]


@pytest.fixture
def page(report: SuiteReport) -> Page:
    return Page(render_html(report))


def test_the_verdict_stands_first_in_words_and_sign(page: Page) -> None:
    assert page.text.startswith("✗ Nightly: Violations found")
    assert "1 run of 5 found violations" in page.text
    assert "First in happy[two] at step “Pay”: required property 'status' is missing" in page.text


def test_every_element_is_closed_and_every_id_is_there_once(page: Page) -> None:
    assert page.unbalanced == []
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_link_leads_to_a_place_in_the_page(page: Page) -> None:
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = [attributes["href"] for tag, attributes in page.elements if tag in ("a", "use")]
    assert len(links) > 8
    assert {link for link in links if not link.startswith("#") or link[1:] not in ids} == set()


def test_all_runs_stand_in_a_table_with_headings(page: Page) -> None:
    assert len(page.all("th", scope="col")) >= 6
    rows = [attributes for attributes in page.all("tr") if "data-run" in attributes]
    assert [row["data-kind"] for row in rows] == ["PASSED", "VIOLATIONS", "PASSED", "COULD_NOT_JUDGE", "NOT_RUN"]
    for words in ("Passed", "Violations found", "Passed after retry", "Could not judge", "Not run"):
        assert words in page.text


def test_expected_and_got_stand_side_by_side_with_signs(page: Page) -> None:
    assert "Expected" in page.text and "Got" in page.text
    assert page.all("span", class_="ln minus", data_s="−")
    assert page.all("span", class_="ln bad", data_s="✗")


def test_what_to_do_timeline_settling_retries_data_and_environment_are_told(page: Page) -> None:
    for words in (
        "What to do first",
        "Response of POST /pay breaks its interface description at /lines/0",
        "Start service payments",
        "Timeline",
        "Settling times",
        "300 ms of 2.00 s allowed, 4 looks",
        "Retried steps",
        "Data used",
        "staging",
        "67 % (4 of 6 flows)",
        "Not covered in Order: 4 of 13",
        "corr-1",
    ):
        assert words in page.text, words


def test_pictures_tables_and_scrolling_parts_have_names(page: Page) -> None:
    pictures = [item for item in page.all("svg") if item.get("aria-hidden") != "true"]
    assert len(pictures) >= 6
    assert all(item.get("role") == "img" and item.get("aria-label") for item in pictures)
    assert page.all("html", lang="en")
    assert page.all("a", class_="skip")
    assert all(item.get("aria-label") for item in [*page.all("input"), *page.all("select")])
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1


def test_what_needs_the_script_is_hidden_without_it(page: Page) -> None:
    tools = page.all("div", class_="tools")
    assert tools and all("hidden" in item for item in tools)


def test_what_failed_is_open_and_what_passed_is_closed(page: Page) -> None:
    runs = {item["id"]: "open" in item for item in page.all("details") if item.get("class", "").startswith("run ")}
    assert runs == {"r1": False, "r2": True, "r3": False, "r4": True, "r5": False}


def test_the_policy_allows_our_one_script_and_nothing_from_elsewhere(page: Page) -> None:
    (policy,) = page.all("meta", http_equiv="Content-Security-Policy")
    assert "default-src 'none'" in policy["content"]
    assert script_hash() in policy["content"]
    assert "unsafe-inline" not in policy["content"].partition("script-src")[2]
    assert len(page.all("script")) == 1


def test_nothing_refers_outside(report: SuiteReport) -> None:
    html = render_html(report)
    sources = re.findall(r"""\s(?:src|srcset|action|formaction|data|poster|background)\s*=""", html)
    assert sources == []
    assert "@import" not in html and "url(" not in html
    page = Page(html)
    assert not [tag for tag, _ in page.elements if tag in ("link", "img", "iframe", "object", "embed", "base", "form")]


def test_handlers_are_never_written_as_attributes(page: Page) -> None:
    assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on")]


def hostile_report(make: SimpleNamespace, text: str) -> SuiteReport:
    """A report with the same text in every place that others can write to."""
    nodes = [make.node(f"n{text}", "task", text), make.node("end", "endEvent", text)]
    graph = make.graph(nodes, [make.flow(f"f{text}", f"n{text}", "end", text)])
    violation = Violation(
        type=ViolationType.BUSINESS_RULE_VIOLATION,
        code=text,
        message=text,
        details={text: text, "expected": {text: text}, "actual": text, "expr": text, "pointer": "/" + text},
    )
    expectations = Expectations(expected_status_code=200, business_rules=(text or "x",))
    step = make.step(0, "pay", f"n{text}", (f"f{text}",), name=text, expectations=expectations)
    results = [
        make.result(
            "pay",
            0,
            StepStatus.FAILED,
            attempt=attempt,
            idempotency_key=text,
            request={"method": text, "url": text, "headers": {text: text}, "body": {text: [text]}, text: text},
            response_headers={text: text},
            response_body={text: text},
            db_result={text: text},
            queue_message={text: text},
            violations=(violation,),
        )
        for attempt in (1, 2)
    ]
    facts = make.facts(
        [step],
        results,
        RunStatus.FAILED,
        run={
            "status_reason": text,
            "data_row_key": text,
            "scenario_key": text,
            "correlation_id": text,
            "triggered_by": text,
        },
        scenario={"name": text, "end_flow_ids": (text,)},
        data={text: text},
        environment={"name": text, "http_services": {text: HttpService(base_url=text)}},
    )
    return build_report(
        [facts, facts], graph=graph, title=text, process_key=text, suite_name=text, generated_at=make.noon
    )


def vocabulary(html: str) -> set[tuple[str, str]]:
    """Return every element with each of its attribute names."""
    return {(tag, key) for tag, attributes in Page(html).elements for key in (*attributes, "")}


@pytest.fixture(scope="module")
def calm(make: SimpleNamespace) -> set[tuple[str, str]]:
    """The elements and attributes of reports on harmless text, short and long."""
    texts = ("plain", "plain words, as many as it takes to fill several lines of a label")
    return set().union(*(vocabulary(render_html(hostile_report(make, text))) for text in texts))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_everywhere_adds_no_element_and_no_attribute(
    make: SimpleNamespace, calm: set[tuple[str, str]], payload: str
) -> None:
    hostile = render_html(hostile_report(make, payload))
    assert vocabulary(hostile) <= calm
    assert Page(hostile).text.count(payload.strip()) >= 10
    assert "<script>alert" not in hostile


ANY_TEXT = st.text(alphabet=st.characters(codec=None, exclude_categories=()), min_size=1, max_size=30)


@settings(max_examples=30, deadline=None)
@given(payload=ANY_TEXT)
def test_any_text_everywhere_adds_no_element_and_no_attribute(
    make: SimpleNamespace, calm: set[tuple[str, str]], payload: str
) -> None:
    html = render_html(hostile_report(make, payload))
    assert Page(html).unbalanced == []
    assert vocabulary(html) <= calm


def big_report(make: SimpleNamespace, graph: ControlFlowGraph, runs: int, steps: int, body: Any) -> SuiteReport:
    elements = ["reserve", "pay", "reject"]
    found = []
    for number in range(runs):
        plan = [make.step(index, f"s{index}", elements[index % 3], ("f1",)) for index in range(steps)]
        results = [
            make.result(f"s{index}", index, response_body=body, request={"body": body}) for index in range(steps)
        ]
        found.append(make.facts(plan, results, key=f"scenario-{number}", data={"body": body}))
    return build_report(found, graph=graph, generated_at=make.noon)


def test_a_hundred_steps_with_ordinary_answers_keep_everything_below_the_limit(
    make: SimpleNamespace, drawn_graph: ControlFlowGraph
) -> None:
    body = {"orders": [{"id": number, "state": "PAID", "total": 12.5} for number in range(20)]}
    html = render_html(big_report(make, drawn_graph, 10, 10, body))
    assert len(html.encode()) < SIZE_LIMIT
    assert html.count('class="orc"') == 11
    assert "Shortened" not in html


@pytest.mark.parametrize("body", ["x" * 3_000_000, {"items": ["é" * 90] * 9000}, [[[["deep"] * 50] * 50] * 20]])
def test_huge_bodies_are_cut_with_a_note_and_the_file_stays_below_the_limit(
    make: SimpleNamespace, drawn_graph: ControlFlowGraph, body: Any
) -> None:
    html = render_html(big_report(make, drawn_graph, 10, 10, body))
    assert len(html.encode()) < SIZE_LIMIT
    assert "Shortened: cut after" in html or "left out to keep the report small" in html


def test_a_value_deeper_than_the_stack_is_shown_in_part() -> None:
    deep: Any = "end"
    for _ in range(5000):
        deep = {"a": deep}
    assert len(lines_of(deep, 5000).lines) < 200


def test_lines_carry_the_pointers_of_their_values() -> None:
    lines = lines_of({"a/b": [1, {"c": None}], "d": {}}, 1000).lines
    assert [(line.pointer, line.text.strip()) for line in lines] == [
        ("", "{"),
        ("/a~1b", '"a/b": ['),
        ("/a~1b/0", "1,"),
        ("/a~1b/1", "{"),
        ("/a~1b/1/c", '"c": null'),
        (None, "}"),
        (None, "],"),
        ("/d", '"d": {}'),
        (None, "}"),
    ]


def test_a_comparison_marks_what_differs_and_only_that() -> None:
    page = Page(str(comparison({"id": 1, "state": "PAID"}, {"id": 1}, 1000)))
    assert len(page.all("span", class_="ln minus")) == 1
    assert len(page.all("span", class_="ln plus")) == 0
    same = Page(str(comparison([1, 2], [1, 2], 1000)))
    assert not same.all("span", class_="ln minus") and not same.all("span", class_="ln plus")


def test_a_place_in_the_request_is_marked_in_the_request(make: SimpleNamespace) -> None:
    invalid = Violation(
        type=ViolationType.VALIDATION_ERROR, code="REQUEST_SCHEMA", message="m", details={"pointer": "/amount"}
    )
    results = [make.result("reserve", 0, StepStatus.FAILED, violations=(invalid,))]
    html = render_html(build_report([make.facts(make.steps, results, RunStatus.FAILED)], generated_at=make.noon))
    assert len(Page(html).all("span", data_s="✗")) == 1
    assert html.index('data-s="✗"') < html.index('aria-label="Response body"')


def test_a_marked_place_carries_a_sign() -> None:
    page = Page(str(value_block({"a": {"b": 1}}, 1000, marked=frozenset({"/a/b"}))))
    assert len(page.all("span", data_s="✗")) == 1


def test_a_single_run_is_open_and_drawn_once(
    happy_facts: RunFacts, drawn_graph: ControlFlowGraph, make: SimpleNamespace
) -> None:
    html = render_html(build_report([happy_facts], graph=drawn_graph, generated_at=make.noon))
    assert html.count('class="orc"') == 1
    assert "The run passed." in Page(html).text


def test_nothing_run_is_a_report_too(make: SimpleNamespace) -> None:
    assert "Nothing was run, so nothing is known." in Page(render_html(build_report([], generated_at=make.noon))).text


def test_the_script_is_plain_and_does_not_build_markup() -> None:
    for word in ("innerHTML", "eval", "fetch", "XMLHttpRequest", "document.write", "insertAdjacentHTML", "http"):
        assert word not in SCRIPT


# In a real browser


def test_the_page_asks_the_network_for_nothing_and_reports_no_trouble(
    report: SuiteReport, tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(write_html(report, tmp_path / "report.html").as_uri())
    assert page.requested == [(tmp_path / "report.html").as_uri()]
    assert page.troubles == []
    assert page.locator(".banner strong").inner_text() == "Violations found"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_runs_nothing_in_a_browser(
    make: SimpleNamespace, payload: str, tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(write_html(hostile_report(make, payload), tmp_path / "report.html").as_uri())
    page.wait_for_load_state("networkidle")
    assert page.troubles == []
    assert len(page.requested) == 1
    assert page.evaluate("document.scripts.length") == 1


def test_a_link_to_a_failing_step_opens_it_and_the_tools_sift(
    report: SuiteReport, tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(write_html(report, tmp_path / "report.html").as_uri())
    page.get_by_role("button", name="Close all").click()
    assert page.locator("details.run[open]").count() == 0
    page.locator("table a", has_text="Pay").first.click()
    page.wait_for_function("document.getElementById('r2-s2').open")
    assert page.locator("#r2").evaluate("e => e.open") is True
    page.get_by_label("Result").select_option("PASSED")
    assert page.locator("tr[data-run]:visible").count() == 2
    page.get_by_label("Find a scenario").fill("retry")
    assert page.locator("tr[data-run]:visible").count() == 1


def test_the_page_is_whole_without_scripts_and_reached_by_keyboard(
    report: SuiteReport, tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(write_html(report, tmp_path / "report.html").as_uri(), java_script_enabled=False)
    assert page.get_by_text("required property 'status' is missing").first.is_visible()
    assert page.locator(".tools:visible").count() == 0
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#runs")


def test_dark_mode_changes_the_ground_and_narrow_screens_do_not_scroll_sideways(
    report: SuiteReport, tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    address = write_html(report, tmp_path / "report.html").as_uri()
    dark = open_page(address, color_scheme="dark")
    assert dark.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    dark.set_viewport_size({"width": 400, "height": 800})
    assert dark.evaluate("document.documentElement.scrollWidth") <= 400
