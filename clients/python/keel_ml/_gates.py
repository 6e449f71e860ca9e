"""Gates, releases, rollbacks."""

from __future__ import annotations

import html
import sys
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Union

from ._models import Version, _version
from ._server import KeelError, Row, _at, call


class Gate:
    """What a gate said: `verdict` (pass, fail, cannot_tell, error), `summary` and `checks`; a table where it is shown."""

    columns = ("check", "verdict", "value", "lower", "upper", "limit", "n", "reason")

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)
        self.id: str = data["id"]
        self.version = Version(data["model"], int(data["version"]))
        self.verdict: str = data["verdict"]
        self.summary: str = data["summary"]
        self.checks: List[Row] = list(data["checks"])

    def _table(self) -> List[List[str]]:
        def shown(value: Any) -> str:
            return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)

        return [[shown(check.get(column)) for column in self.columns] for check in self.checks]

    def __repr__(self) -> str:
        lines = [list(self.columns), *self._table()]
        widths = [max(len(line[index]) for line in lines) for index in range(len(self.columns))]
        text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
        return "\n".join([f"{self.version}: {self.verdict.replace('_', ' ')}. {self.summary}", *text])

    def _repr_html_(self) -> str:
        def line(cells: Iterable[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        title = html.escape(f"{self.version}: {self.verdict.replace('_', ' ')}. {self.summary}")
        body = "".join(line(cells, "td") for cells in self._table())
        return f"<table><caption>{title}</caption>{line(self.columns, 'th')}{body}</table>"


class NotPassed(Exception):
    """A gate that did not pass, in `gate`."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        super().__init__(repr(gate))


class GateFailed(NotPassed):
    """It is worse, or breaks a rule."""


class CannotTell(NotPassed):
    """The golden set cannot prove it either way: more items, or a wider margin."""


class GateError(NotPassed):
    """It could not be judged: a model did not answer."""


def gate(version: Union[str, Version], raises: bool = True) -> Gate:
    """Judges every success criterion of the spec and records it. Raises GateFailed, CannotTell or GateError, unless
    `raises=False`."""
    model, number = _version(version)
    found = Gate(call("POST", "/gates", {"model": model, "version": number}))
    if raises and found.verdict != "pass":
        raise {"fail": GateFailed, "cannot_tell": CannotTell}.get(found.verdict, GateError)(found)
    return found


def compare(base: Union[str, Version], candidate: Union[str, Version], golden: Optional[str] = None) -> Row:
    """Both versions of a model on the same golden items, paired: `primary` has the difference, its interval and verdict."""
    (model, against), (same, number) = _version(base), _version(candidate)
    if model != same:
        raise ValueError(f'"{base}" and "{candidate}" are of two models.')
    return dict(call("POST", "/evaluations", {"model": model, "version": number, "golden": golden, "against": str(against)}))


def release(version: Union[str, Version], reason: str, **more: Any) -> Row:
    """Releases a version by the shadow and steps of its spec. `more`: `kind`, `trigger`, `addresses`, `supersede`."""
    model, number = _version(version)
    return dict(call("POST", _at("models", model, "releases"), {"version": number, "reason": reason, **more}))


def rollback(model: str, reason: str, to: Optional[str] = None) -> Row:
    """Puts the previous release (or one that has been live) back, and pins it."""
    return dict(call("POST", _at("models", model, "rollback"), {"reason": reason, "to": to}))


def main(argv: Optional[Sequence[str]] = None) -> int:
    """`keel-gate churn@7`, for a CI without Node: 0 pass, 3 fail, 4 cannot tell, 1 anything else."""
    names = list(sys.argv[1:] if argv is None else argv)
    if len(names) != 1:
        print("usage: keel-gate model@version", file=sys.stderr)
        return 2
    try:
        found = gate(names[0], raises=False)
    except (KeelError, ValueError) as error:
        print(error, file=sys.stderr)
        return 6 if getattr(error, "code", "") == "unreachable" else 1
    print(repr(found))
    return {"pass": 0, "fail": 3, "cannot_tell": 4}.get(found.verdict, 1)
