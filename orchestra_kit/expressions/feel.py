"""A reader of the FEEL that guards flows (DMN 1.5, section 10.3; Camunda 8), into the one syntax tree.

What FEEL writes in its own way becomes what the tree has: `between` and intervals become comparisons, `if` a conditional,
`string length(x)` a `size`. Its meaning (null, three values) stays FEEL's: see feel_values.py.
"""

from __future__ import annotations

from dataclasses import replace

from orchestra_kit.expressions.ast import (
    Conditional,
    Index,
    ListOf,
    Literal,
    Name,
    Node,
    Select,
    Span,
    Unary,
)
from orchestra_kit.expressions.feel_functions import call_of, temporal_literal
from orchestra_kit.expressions.feel_tokens import LEFT_OUT, FeelTokens
from orchestra_kit.expressions.lexer import Token
from orchestra_kit.expressions.token_reader import read_text

_CONSTANTS = {"true": True, "false": False, "null": None}
_WORDS = frozenset(
    {"and", "or", "between", "in", "if", "then", "else", "true", "false", "null", "satisfies", "instance"}
)


def parse_feel(text: str, *, plain: bool = False) -> Node:
    """Return the tree of a FEEL expression; raise ExpressionError with the column of what is wrong or not read.

    With `plain` the text may also use `==`, `&&`, `||`, `!` and single quotes, as people write who name no language.
    """
    return read_text(text, lambda: _Parser(text, plain))


class _Parser(FeelTokens):
    """Recursive descent, one method for each level of precedence."""

    def __init__(self, text: str, plain: bool) -> None:
        super().__init__(text, plain)
        self._bare = False  # within the upper end of an interval, whose `[` closes it

    # --- levels ------------------------------------------------------------------------------------------------------

    def _whole(self) -> Node:
        return self._conditional() if self._sees("if") else self._or()

    def _conditional(self) -> Node:
        start = self._take().span.start
        condition = self.expression()
        self._expect("then")
        then = self.expression()
        self._expect("else")
        otherwise = self.expression()
        span = Span(start=start, end=otherwise.span.end)
        return self._counted(Conditional(condition=condition, then=then, otherwise=otherwise, span=span))

    def _or(self) -> Node:
        left = self._and()
        while self._accept("or", "||"):
            left = self._binary("||", left, self._and())
        return left

    def _and(self) -> Node:
        left = self._comparison()
        while self._accept("and", "&&"):
            left = self._binary("&&", left, self._comparison())
        return left

    def _comparison(self) -> Node:
        left = self._additive()
        if self.now.kind == "sign" and self.now.text in self._comparisons:
            operator = self._comparisons[self._take().text]
            return self._binary(operator, left, self._additive())
        if self._accept("between"):
            lowest = self._additive()
            self._expect("and")
            highest = self._additive()
            return self._binary("&&", self._binary(">=", left, lowest), self._binary("<=", left, highest))
        if self._accept("in"):
            return self._membership(left)
        return left

    def _additive(self) -> Node:
        left = self._multiplicative()
        while self._sees("+", "-"):
            operator = self._take().text
            left = self._binary(operator, left, self._multiplicative())
        return left

    def _multiplicative(self) -> Node:
        left = self._power()
        while self._sees("*", "/", "%"):
            operator = self._take().text
            left = self._binary(operator, left, self._power())
        return left

    def _power(self) -> Node:
        left = self._unary()
        while sign := self._accept("**"):
            exponent = self._unary()
            if not (isinstance(exponent, Literal) and type(exponent.value) is int and 0 <= exponent.value <= 8):
                raise self.not_read(sign.span, "`**` is read with a whole exponent of 0 to 8 only")
            result: Node = Literal(value=1, span=exponent.span)
            for count in range(exponent.value):
                result = self._binary("*", result, left) if count else left
            left = result
        return left

    def _unary(self) -> Node:
        signs: list[Token] = []
        while self._sees("-", "!"):
            signs.append(self._take())
            self._check_depth(len(signs))
        node = self._postfix()
        for sign in reversed(signs):
            span = Span(start=sign.span.start, end=node.span.end)
            if sign.text == "-" and isinstance(node, Literal) and type(node.value) in (int, float):
                node = Literal(value=-node.value, span=span)  # type: ignore[operator]
            else:
                node = self._counted(Unary(operator=sign.text, operand=node, span=span))
        return node

    def _postfix(self) -> Node:
        node = self._primary()
        while True:
            if self._sees(".") and self._after().kind in ("name", "quoted"):
                self._take()
                token = self._take()
                if not isinstance(node, (Name, Select, Index)):
                    raise self.not_read(token.span, f"the property '{token.text}' of a computed value is not read")
                span = Span(start=node.span.start, end=token.span.end)
                node = self._counted(Select(operand=node, field=token.text, field_span=token.span, span=span))
                if self._sees("("):
                    raise self.not_read(token.span, f"calling '{token.text}' on a value is not FEEL")
            elif self._sees("[") and not self._bare:
                node = self._indexed(node)
            else:
                return node

    def _indexed(self, node: Node) -> Node:
        opening = self._take()
        index = self.expression()
        end = self._expect("]").span.end
        if not isinstance(node, (Name, Select, Index)) or not isinstance(index, Literal):
            raise self.not_read(opening.span, "filters of lists are not read")
        if type(index.value) is not int or index.value < 1:
            raise self.not_read(opening.span, "elements of lists are read by positions from 1 on only")
        # FEEL counts from 1, the tree from 0.
        place = replace(index, value=index.value - 1)
        return self._counted(Index(operand=node, index=place, span=Span(start=node.span.start, end=end)))

    # --- values ------------------------------------------------------------------------------------------------------

    def _primary(self) -> Node:
        token = self.now
        if token.kind in ("int", "float", "text"):
            self._take()
            return self._counted(Literal(value=token.value, span=token.span))
        if token.kind == "quoted":
            self._take()
            return self._counted(Name(name=token.text, span=token.span))
        if token.kind == "name":
            return self._named()
        if self._accept("("):
            node = self.expression()
            if self._sees("..", ","):
                raise self.not_read(token.span, "an interval or list stands only behind 'in'")
            span = Span(start=token.span.start, end=self._expect(")").span.end)
            return replace(node, span=span)
        if self._accept("["):
            items, end = self._list("]")
            return self._counted(ListOf(items=items, span=Span(start=token.span.start, end=end)))
        if self._accept("@"):
            if self.now.kind != "text":
                raise self.unexpected('a date, time or duration in "quotes"')
            value = self._take()
            return self._counted(temporal_literal(value, token.span.start))
        if self._sees("{"):
            raise self.not_read(token.span, "contexts ({...}) are not read")
        raise self.unexpected("a value")

    def _list(self, closing: str) -> tuple[tuple[Node, ...], int]:
        items: list[Node] = []
        if end := self._accept(closing):
            return (), end.span.end
        while True:
            items.append(self.expression())
            if self._sees("..", "<", ">"):
                raise self.not_read(self.now.span, "an interval stands only behind 'in'")
            if end := self._accept(closing):
                return tuple(items), end.span.end
            if not self._accept(","):
                raise self.unexpected(f"',' or '{closing}'")

    def _named(self) -> Node:
        first = self.now
        if first.text in _CONSTANTS:
            self._take()
            return self._counted(Literal(value=_CONSTANTS[first.text], span=first.span))
        if first.text in _WORDS:
            raise self.unexpected("a value")
        name, span = self._name_of_words()
        if self._sees("(") and name not in LEFT_OUT:
            return self._called(name, span)
        if first.text in LEFT_OUT and (" " in name or self.now.kind == "name" or self._sees("(")):
            raise self.not_read(first.span, LEFT_OUT[first.text])
        if self.now.kind == "name" and self.now.text == "instance":
            raise self.not_read(self.now.span, LEFT_OUT["instance"])
        return self._counted(Name(name=name, span=span))

    def _name_of_words(self) -> tuple[str, Span]:
        """Take a name, which may have spaces; `date and time(` and its like hold an operator's word."""
        words = [self._take()]
        following = [self.now.text, self._after().text, self._after(2).text]
        if words[0].text == "date" and following == ["and", "time", "("]:
            words += [self._take(), self._take()]
        elif words[0].text == "years" and following == ["and", "months", "duration"]:
            words += [self._take(), self._take(), self._take()]
        elif words[0].text == "get" and following[:2] == ["or", "else"]:
            words += [self._take(), self._take()]
        while (self.now.kind == "name" and self.now.text not in _WORDS) or self.now.kind == "int":
            words.append(self._take())
        text = " ".join(word.text for word in words)
        return text, Span(start=words[0].span.start, end=words[-1].span.end)

    def _called(self, name: str, span: Span) -> Node:
        self._take()
        if self.now.kind == "name" and self._after().text == ":" and self._after().kind == "sign":
            raise self.not_read(self.now.span, "named arguments are not read")
        arguments, end = self._list(")")
        node = call_of(self._text, name, span, arguments, Span(start=span.start, end=end), plain=self._plain)
        return self._counted(node)

    # --- in ----------------------------------------------------------------------------------------------------------

    def _membership(self, left: Node) -> Node:
        """Return the tests behind `in` as comparisons of what stands before it."""
        if self._sees("("):
            opening = self._take()
            nested = self._sees("(", "[", "]")
            first = self._test(left, None if nested else opening)
            if isinstance(first, _Interval) and not nested:
                return first.node
            tests: list[_Test] = [first]
            while self._accept(","):
                tests.append(self._test(left, None))
            end = self._expect(")").span.end
            return self._any_of(left, tests, Span(start=opening.span.start, end=end))
        test = self._test(left, None)
        if isinstance(test, (_Interval, _Unary)):
            return test.node
        return self._binary("in", left, test) if isinstance(test, ListOf) else self._of_unknown(left, test)

    def _of_unknown(self, left: Node, right: Node) -> Node:
        """`x in y` is membership when y is a list and equality when it is not; a variable is taken for a list."""
        operator = "in" if isinstance(right, (Name, Select, Index)) else "=="
        return self._binary(operator, left, right)

    def _any_of(self, left: Node, tests: list[_Test], span: Span) -> Node:
        plain = [item for item in tests if not isinstance(item, (_Interval, _Unary))]
        parts: list[Node] = [item.node for item in tests if isinstance(item, (_Interval, _Unary))]
        lists = [item for item in plain if isinstance(item, ListOf)]
        single = tuple(item for item in plain if not isinstance(item, ListOf))
        if single:
            parts.insert(0, self._binary("in", left, ListOf(items=single, span=span)))
        parts += [self._binary("in", left, item) for item in lists]
        result = parts[0]
        for part in parts[1:]:
            result = self._binary("||", result, part)
        return result

    def _test(self, left: Node, opening: Token | None) -> _Test:
        """Return one test behind `in`; `opening` is the parenthesis just taken, which may begin an interval."""
        if self.now.kind == "sign" and self.now.text in self._comparisons:
            operator = self._comparisons[self._take().text]
            return _Unary(self._binary(operator, left, self._additive()))
        if opening is None and self._sees("[", "]", "("):
            mark = self._take()
            if mark.text == "[" and (end := self._accept("]")):
                return ListOf(items=(), span=Span(start=mark.span.start, end=end.span.end))
            return self._bracketed(left, mark)
        value = self._additive()
        if opening is not None and self._sees(".."):
            return self._interval(left, value, opening)
        return value

    def _bracketed(self, left: Node, mark: Token) -> _Test:
        first = self.expression()
        if self._sees(".."):
            return self._interval(left, first, mark)
        if mark.text == "]":
            raise self.unexpected("'..'")
        if mark.text == "(":
            span = Span(start=mark.span.start, end=self._expect(")").span.end)
            return replace(first, span=span)
        items = [first]
        while self._accept(","):
            items.append(self.expression())
        end = self._expect("]").span.end
        return ListOf(items=tuple(items), span=Span(start=mark.span.start, end=end))

    def _interval(self, left: Node, lowest: Node, opening: Token) -> _Interval:
        self._expect("..")
        self._bare = True
        highest = self._additive()
        self._bare = False
        closing = self._accept("]", "[", ")")
        if closing is None:
            raise self.unexpected("']' or ')'")
        lower = self._binary(">=" if opening.text == "[" else ">", left, lowest)
        upper = self._binary("<=" if closing.text == "]" else "<", left, highest)
        return _Interval(self._binary("&&", lower, upper))


class _Interval:
    """Both comparisons of an interval."""

    def __init__(self, node: Node) -> None:
        self.node = node


class _Unary:
    """A test that is written with its operator, as in `in (< 5)`."""

    def __init__(self, node: Node) -> None:
        self.node = node


_Test = Node | _Interval | _Unary
