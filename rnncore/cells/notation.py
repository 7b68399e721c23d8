"""How an expression is written: signs in a row, with brackets where they are needed; as LaTeX.

The same signs serve LaTeX, the page's own typesetting, and the line that has numbers for symbols.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rnncore.cells.expression import Expression


class Token(NamedTuple):
    """One sign of an equation.

    Attributes
    ----------
    kind : str
        ``symbol``, ``number``, ``operator``, ``function``, ``bracket``, or ``value``: a number to be set in.
    text : str
        The sign itself, as Unicode.
    below : str
        Subscript of a symbol.
    node : Expression or None
        Of a ``value``, the expression whose number it is.
    """

    kind: str
    text: str
    below: str = ""
    node: Expression | None = None


_SIGNS = {"+": "+", "-": "−", "*": "⊙", "/": "/"}
_BINDING = {"+": 1, "-": 1, "neg": 2, "*": 3, "/": 3}
_FUNCTIONS = {"sigmoid": ("σ",), "log_sigmoid": ("log", "σ"), "maximum": ("max",)}
_ATOM = 9


def spell(expression: Expression, numbers: bool = False, outer: int = 0) -> list[Token]:
    """Write ``expression`` as a row of signs.

    Parameters
    ----------
    numbers : bool
        Whether signals, states, parameters and rows stand there as values to be set in.
    outer : int
        How tightly the place binds; brackets go round a sum inside a product.
    """
    operation, inputs = expression.operation, expression.inputs
    if operation == "number":
        return [Token("number", expression.name.replace("-", "−"))]
    if numbers and operation in ("tap", "state", "parameter", "input", "W", "U", "linear"):
        return [Token("value", "", node=expression)]
    if operation in ("tap", "input"):
        return [Token("symbol", expression.name, "t")]
    if operation == "state":
        return [Token("symbol", expression.name, "t−1")]
    if operation == "parameter":
        head, _, tail = expression.name.partition("_")
        return [Token("symbol", head, tail)]
    if operation in ("W", "U"):
        return _bracketed(_row(expression), "+" in expression.inputs[0].name and outer > _BINDING["+"])
    if operation == "linear":
        return _product(inputs, outer)
    if operation in _BINDING:
        return _bracketed(_arithmetic(expression, numbers), outer > _BINDING[operation])
    names = [Token("function", name) for name in _FUNCTIONS.get(operation, (operation,))]
    arguments: list[Token] = []
    for part in inputs:
        arguments += [Token("operator", ",")] * bool(arguments) + spell(part, numbers)
    return [*names, *_bracketed(arguments, True)]


def _product(inputs: Sequence[Expression], outer: int) -> list[Token]:
    """Write ``linear(v, R, b)`` as R v + b."""
    vector, matrix, *bias = (spell(part, outer=_ATOM) for part in inputs)
    product = [*matrix, *vector]
    return _bracketed([*product, Token("operator", "+"), *bias[0]], outer > _BINDING["+"]) if bias else product


def _row(expression: Expression) -> list[Token]:
    """Write one row of a projection as its cell says: W x + b, U h + d, LN(W x)."""
    (whole,) = expression.inputs
    tokens: list[Token] = []
    for sign in re.findall(r"LN|\S", whole.name):
        if sign in "xh":
            tokens += spell(whole.inputs[0], outer=_ATOM)
        elif sign in "WUbd":
            tokens.append(Token("symbol", sign, expression.name))
        else:
            tokens.append(Token({"+": "operator", "LN": "function"}.get(sign, "bracket"), sign))
    return tokens


def _arithmetic(expression: Expression, numbers: bool) -> list[Token]:
    sign, level = expression.operation, _BINDING[expression.operation]
    if sign == "neg":
        return [Token("operator", "−"), *spell(expression.inputs[0], numbers, level + 1)]
    left, right = expression.inputs
    text = _SIGNS[sign]
    if sign == "*" and numbers:
        text = "×"
    elif sign == "*" and "number" in (left.operation, right.operation):
        text = "·"
    # a - (b - c) and a / (b * c) need their brackets, a + (b + c) and a * (b * c) do not
    tight = level + (sign in "-/")
    return [*spell(left, numbers, level), Token("operator", text), *spell(right, numbers, tight)]


def _bracketed(tokens: list[Token], needed: bool) -> list[Token]:
    return [Token("bracket", "("), *tokens, Token("bracket", ")")] if needed else tokens


_LATEX_FUNCTIONS = {"σ": r"\sigma", "tanh": r"\tanh", "exp": r"\exp", "log": r"\log", "max": r"\max"}
_LATEX_OPERATORS = {"⊙": r" \odot ", "·": r" \cdot ", "×": r" \times ", "−": " - ", ",": ", "}
_GREEK = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu"} | {
    *("nu", "xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega")
}


def latex(tokens: Sequence[Token]) -> str:
    r"""Return a row of signs as LaTeX: ``i_t = \sigma(W_i x_t + b_i + U_i h_{t-1} + d_i)``."""
    return "".join(
        _latex_sign(token) + " " * (token.kind == following.kind == "symbol" or _juxtaposed(token, following))
        for token, following in zip(tokens, [*tokens[1:], Token("", "")], strict=True)
    )


def _juxtaposed(token: Token, following: Token) -> bool:
    """Tell whether two signs stand side by side as a product, as in W (r h)."""
    return token.kind == "symbol" and following.text == "("


def _latex_sign(token: Token) -> str:
    if token.kind == "symbol":
        below = token.below.replace("−", "-")
        return _latex_name(token.text) + (f"_{below if len(below) == 1 else _braced(below)}" if below else "")
    if token.kind == "function":
        return _LATEX_FUNCTIONS.get(token.text) or rf"\operatorname{{{_escaped(token.text)}}}"
    if token.kind == "operator":
        return _LATEX_OPERATORS.get(token.text, f" {token.text} ")
    return token.text.replace("−", "-")


def _latex_name(name: str) -> str:
    if name.lower() in _GREEK:
        return f"\\{name}"
    return name if len(name) == 1 else rf"\mathrm{{{_escaped(name)}}}"


def _braced(below: str) -> str:
    return f"{{{below}}}" if below == "t-1" else rf"{{\mathrm{{{_escaped(below)}}}}}"


def _escaped(name: str) -> str:
    return name.replace("_", r"\_")
