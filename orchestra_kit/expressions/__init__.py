"""The language of templates and rules: CEL, parsed with source spans, evaluated by the `cel` package.

Importing this package does not import the evaluator; the first evaluation that needs it does.
"""

from orchestra_kit.expressions.check import Problem, check_references, check_rule
from orchestra_kit.expressions.evaluation import Expression, parse_expression
from orchestra_kit.expressions.references import Reference, render_reference
from orchestra_kit.expressions.shapes import (
    ANY,
    ListShape,
    ObjectShape,
    ScalarShape,
    Shape,
    shape_of_schema,
    shape_of_value,
)
from orchestra_kit.expressions.template import (
    Template,
    as_text,
    parse_template,
    references,
    rename_steps,
    rename_steps_in_rule,
    render,
)

__all__ = [
    "ANY",
    "Expression",
    "ListShape",
    "ObjectShape",
    "Problem",
    "Reference",
    "ScalarShape",
    "Shape",
    "Template",
    "as_text",
    "check_references",
    "check_rule",
    "parse_expression",
    "parse_template",
    "references",
    "rename_steps",
    "rename_steps_in_rule",
    "render",
    "render_reference",
    "shape_of_schema",
    "shape_of_value",
]
