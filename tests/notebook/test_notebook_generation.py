from __future__ import annotations

import ast

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestra_kit.model import RunMode
from orchestra_kit.notebook.generate import generate_notebook, planned_aliases, variable_names

aliases = st.lists(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,127}", fullmatch=True)
    | st.sampled_from(["step", "step_", "class", "print", "summary"]),
    min_size=1, max_size=6, unique=True,
)  # fmt: skip


def code_of(notebook, cell_id):
    return next(cell.source for cell in notebook.cells if cell.id == cell_id)


def test_each_step_has_a_text_and_one_cell(plan_of, run_of):
    notebook = generate_notebook(plan_of("reserve", "pay"), run_of())
    assert [cell.id for cell in notebook.cells] == [
        "title", "parameters", "connect", "about-reserve", "step-reserve", "about-pay", "step-pay", "summary",
    ]  # fmt: skip
    assert code_of(notebook, "step-reserve") == 'reserve = step("reserve")\nreserve'
    about = code_of(notebook, "about-pay")
    assert "ACTION" in about and "shop payOperation" in about


def test_the_same_plan_gives_the_same_notebook(plan_of, run_of):
    assert generate_notebook(plan_of(), run_of()) == generate_notebook(plan_of(), run_of())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(aliases=aliases, name=st.text(max_size=40))
def test_any_aliases_and_names_give_a_valid_notebook_that_parses(plan_of, run_of, aliases, name):
    notebook = generate_notebook(plan_of(*aliases, name=name), run_of())
    nbformat.validate(notebook)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            ast.parse(cell.source)
    names = variable_names(aliases)
    assert len(set(names.values())) == len(aliases)
    assert not {"step", "summary", "print", "class"} & set(names.values())


@pytest.mark.parametrize(
    "mode, start, reused, expected",
    [
        (RunMode.STOP_ON_FIRST_FAILURE, 0, (), ("a", "b", "c")),
        (RunMode.SINGLE_STEP, 1, (), ("b",)),
        (RunMode.FROM_STEP, 2, (), ("c",)),
        (RunMode.FROM_STEP, 2, ("a",), ("a", "c")),
    ],
)
def test_the_mode_decides_which_steps_have_cells(plan_of, mode, start, reused, expected):
    plan = plan_of("a", "b", "c", mode=mode).model_copy(update={"start_step_index": start, "reused": reused})
    assert planned_aliases(plan) == expected


def test_papermill_finds_the_typed_parameters(plan_of, run_of, tmp_path):
    import papermill

    nbformat.write(generate_notebook(plan_of(), run_of()), tmp_path / "in.ipynb")
    found = papermill.inspect_notebook(str(tmp_path / "in.ipynb"))
    assert found["overrides"]["inferred_type_name"] == "dict"
    assert found["overrides"]["help"] == "input that replaces the scenario's, by alias"
    assert found["scenario"]["default"] == "'happy'"
    assert list(found) == ["scenario", "environment", "data_row", "overrides"]
