"""From the text of an expression to its tree, or to the diagnostic of the place that stops it."""

from __future__ import annotations

from typing import get_args

from mapgen.expression.lexer import LARGEST_INT, NO_FIELDS, Token, Unreadable, tokens
from mapgen.expression.tree import (
    Binary,
    BinaryOperator,
    Call,
    Conditional,
    Constant,
    Element,
    Entry,
    Has,
    Index,
    ListTree,
    Macro,
    MacroName,
    MapTree,
    Method,
    Name,
    Select,
    Tree,
    Unary,
    UnaryOperator,
    children,
)
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import expression as catalogue

MOST_CHARACTERS = 10_000
MOST_NESTING = 40
MOST_HEIGHT = 100

_BINDING: dict[str, tuple[int, BinaryOperator]] = {
    operator: (strength, operator)
    for strength, operators in enumerate(
        (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"))
    )
    for operator in get_args(BinaryOperator)
    if operator in operators
}
_WORDS = {"true": True, "false": False, "null": None}
_RESERVED = """
    as break const continue else for function if import in let loop package namespace return
    var void while true false null
"""
RESERVED = frozenset(_RESERVED.split())
# How many arguments a macro takes with one variable, and with two (index or key, and value).
_MACRO_ARGUMENTS: dict[MacroName, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "all": ((2,), (3,)),
    "exists": ((2,), (3,)),
    "exists_one": ((2,), (3,)),
    "filter": ((2,), ()),
    "map": ((2, 3), ()),
    "sortBy": ((2,), ()),
    "groupBy": ((2,), ()),
    "transformList": ((), (3, 4)),
    "transformMap": ((), (3, 4)),
    "optMap": ((2,), ()),
    "optFlatMap": ((2,), ()),
}
_MACRO_NAMES: dict[str, MacroName] = {name: name for name in _MACRO_ARGUMENTS} | {
    "existsOne": "exists_one"
}


def parse(text: Text) -> Tree | Diagnostic:
    """Return the tree of an expression, or the diagnostic of the first place that stops it."""
    if len(text.value) > MOST_CHARACTERS:
        return catalogue.too_long(text, length=len(text.value), most=MOST_CHARACTERS)
    try:
        return _Parser(text).whole()
    except Unreadable as unreadable:
        return unreadable.diagnostic


def _height(tree: Tree) -> int:
    """Return how many levels the tree has; without recursion, for it may be too high for that."""
    height, level = 0, [tree]
    while level:
        height += 1
        level = [child for node in level for child in children(node)]
    return height


class _Parser:
    """A Pratt parser over the tokens of one expression."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.at = 0
        self.nesting = 0

    def whole(self) -> Tree:
        if len(self.tokens) == 1:
            raise Unreadable(catalogue.empty_expression(self.text))
        tree = self.expression()
        if self.token.kind != "end":
            raise self.unexpected("an operator or the end")
        if len(self.tokens) > MOST_HEIGHT and _height(tree) > MOST_HEIGHT:
            raise Unreadable(catalogue.nested_too_deep(self.text.span(tree.start, tree.end)))
        return tree

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    @property
    def previous(self) -> Token:
        return self.tokens[self.at - 1]

    def unexpected(self, wanted: str) -> Unreadable:
        token = self.token
        span = self.text.span(token.start, token.end)
        before = self.previous.text if self.at else ""
        is_field = self.at > 1 and self.tokens[self.at - 2].text in (".", "?")
        return Unreadable(
            catalogue.unexpected_token(span, wanted, token.text, before, is_field=is_field)
        )

    def is_next(self, sign: str) -> bool:
        return self.token.kind == "sign" and self.token.text == sign

    def take(self, sign: str) -> bool:
        """Step over a sign when it is next."""
        if self.is_next(sign):
            self.at += 1
            return True
        return False

    def demand(self, sign: str) -> Token:
        if not self.take(sign):
            raise self.unexpected(f"`{sign}`")
        return self.previous

    def deeper(self, token: Token) -> None:
        """Go one level down; stop at the token where that is one too many."""
        self.nesting += 1
        if self.nesting > MOST_NESTING:
            raise Unreadable(catalogue.nested_too_deep(self.text.span(token.start, token.end)))

    def expression(self) -> Tree:
        """Read `condition ? then : otherwise`, or anything that binds closer."""
        self.deeper(self.token)
        start = self.token.start
        condition = self.binary(0)
        if self.take("?"):
            then = self.binary(0)
            self.demand(":")
            otherwise = self.expression()
            condition = Conditional(start, self.previous.end, condition, then, otherwise)
        self.nesting -= 1
        return condition

    def binary(self, least: int) -> Tree:
        """Read operators that bind at least so close, each to the left."""
        start = self.token.start
        left = self.unary()
        while True:
            token = self.token
            is_operator = token.kind == "sign" or token.text == "in"
            strength, operator = _BINDING.get(token.text, (-1, None)) if is_operator else (-1, None)
            if operator is None or strength < least:
                return left
            self.at += 1
            right = self.binary(strength + 1)
            left = Binary(start, self.previous.end, operator, left, right, token.start)

    def unary(self) -> Tree:
        token = self.token
        if token.kind != "sign" or token.text not in ("!", "-"):
            return self.member()
        following = self.tokens[self.at + 1]
        if token.text == "-" and following.kind in ("int", "decimal"):
            return self.member()
        operator: UnaryOperator = "!" if token.text == "!" else "-"
        self.at += 1
        self.deeper(token)
        operand = self.unary()
        self.nesting -= 1
        return Unary(token.start, self.previous.end, operator, operand)

    def member(self) -> Tree:
        """Read a value and what hangs on it: `.field`, `.?field`, `.method()`, `[index]`."""
        start = self.token.start
        tree = self.primary()
        while True:
            if self.take("."):
                tree = self.selection(start, tree)
            elif self.take("["):
                is_optional = self.take("?")
                index = self.expression()
                tree = Index(start, self.demand("]").end, tree, index, is_optional)
            elif self.is_next("{") and isinstance(tree, Name | Select):
                span = self.text.span(tree.start, self.token.end)
                raise Unreadable(catalogue.not_in_dialect(span, what="a message literal"))
            else:
                return tree

    def selection(self, start: int, operand: Tree) -> Tree:
        is_optional = self.take("?")
        token = self.token
        if token.kind not in ("name", "quoted_name"):
            raise self.unexpected("a field's name")
        if token.kind == "name" and token.text in NO_FIELDS:
            raise self.unexpected(f"a field's name (one called `{token.text}` goes in backquotes)")
        self.at += 1
        if token.kind == "name" and self.is_next("("):
            if is_optional:
                raise self.unexpected("a field's name behind `.?`, not a method")
            return self.method(start, operand, token)
        return Select(start, token.end, operand, token.text, is_optional, token.start)

    def method(self, start: int, operand: Tree, name: Token) -> Tree:
        arguments, end = self.arguments()
        if isinstance(operand, Name) and (operand.name, name.text) == ("cel", "bind"):
            return self.bind(start, name, arguments, end)
        macro = _MACRO_NAMES.get(name.text)
        if macro is not None:
            variables, condition, body = self.macro(name, macro, arguments, end)
            names = (name.start, name.end)
            return Macro(start, end, operand, macro, variables, condition, body, *names)
        return Method(start, end, operand, name.text, arguments, name.start, name.end)

    def bind(self, start: int, name: Token, arguments: tuple[Tree, ...], end: int) -> Macro:
        """Return `cel.bind(name, value, body)`."""
        match arguments:
            case (Name() as variable, value, body):
                names = (name.start, name.end)
                return Macro(start, end, value, "bind", (variable,), None, body, *names)
            case _:
                raise Unreadable(catalogue.malformed_bind(self.text.span(start, end)))

    def macro(
        self, name: Token, macro: MacroName, arguments: tuple[Tree, ...], end: int
    ) -> tuple[tuple[Name, ...], Tree | None, Tree]:
        """Return a macro's variables, its condition if it has one, and its body."""
        with_one, with_two = _MACRO_ARGUMENTS[macro]
        named = [argument for argument in arguments[:2] if isinstance(argument, Name)]
        if len(named) == 2 and len(arguments) in with_two:
            variables, rest = tuple(named), arguments[2:]
        elif named[:1] == list(arguments[:1]) and len(arguments) in with_one:
            variables, rest = tuple(named[:1]), arguments[1:]
        else:
            span = self.text.span(name.start, end)
            raise Unreadable(
                catalogue.malformed_macro(span, name=name.text, has_one=bool(with_one))
            )
        return variables, rest[0] if len(rest) == 2 else None, rest[-1]

    def arguments(self) -> tuple[tuple[Tree, ...], int]:
        """Read `(a, b)`; return the arguments and the offset behind the closing bracket."""
        self.demand("(")
        found: list[Tree] = []
        while not self.is_next(")"):
            found.append(self.expression())
            if not self.take(","):
                break
        return tuple(found), self.demand(")").end

    def primary(self) -> Tree:
        token = self.token
        if token.kind in ("int", "decimal", "string"):
            return self.constant(token)
        if self.take("-"):
            return self.constant(token, sign=-1)
        if self.take("("):
            tree = self.expression()
            self.demand(")")
            return tree
        if self.take("["):
            return self.list(token.start)
        if self.take("{"):
            return self.map(token.start)
        if self.take(".") and self.token.text in _WORDS:
            raise self.unexpected("a name")
        return self.name()

    def constant(self, first: Token, sign: int = 1) -> Constant:
        """Read a literal; a minus in front of a number belongs to it."""
        token = self.token
        self.at += 1
        value = token.value
        if isinstance(value, str | None):
            return Constant(first.start, token.end, value)
        if sign * value == LARGEST_INT and token.kind == "int":
            span = self.text.span(first.start, token.end)
            raise Unreadable(catalogue.number_too_large(span, limit="64 bits"))
        return Constant(first.start, token.end, sign * value)

    def name(self) -> Tree:
        token = self.token
        if token.kind != "name" or token.text == "in":
            raise self.unexpected("a value")
        self.at += 1
        if token.text in _WORDS:
            return Constant(token.start, token.end, _WORDS[token.text])
        if token.text in RESERVED:
            span = self.text.span(token.start, token.end)
            raise Unreadable(catalogue.reserved_word(span, word=token.text))
        if not self.is_next("("):
            return Name(token.start, token.end, token.text)
        arguments, end = self.arguments()
        if token.text == "has":
            return self.has(token, arguments, end)
        return Call(token.start, end, token.text, arguments, token.start, token.end)

    def has(self, name: Token, arguments: tuple[Tree, ...], end: int) -> Tree:
        match arguments:
            case (Select() as path,):
                return Has(name.start, end, path)
            case _:
                raise Unreadable(catalogue.malformed_has(self.text.span(name.start, end)))

    def list(self, start: int) -> Tree:
        elements: list[Element] = []
        while not self.is_next("]"):
            is_optional = self.take("?")
            elements.append(Element(self.expression(), is_optional))
            if not self.take(","):
                break
        return ListTree(start, self.demand("]").end, tuple(elements))

    def map(self, start: int) -> Tree:
        entries: list[Entry] = []
        while not self.is_next("}"):
            is_optional = self.take("?")
            key = self.expression()
            self.demand(":")
            entries.append(Entry(key, self.expression(), is_optional))
            if not self.take(","):
                break
        return MapTree(start, self.demand("}").end, tuple(entries))
