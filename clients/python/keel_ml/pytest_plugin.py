"""For pytest: the items of a golden set as cases of a test, and a verdict over all of them: pass, fail or cannot tell."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Tuple

import pytest

import keel_ml


class KeelCase(Dict[str, Any]):
    """An item of a golden set, by its columns."""


def pytest_configure(config: Any) -> None:
    config.addinivalue_line(
        "markers",
        "keel(golden, at_least=None, version=None): a case (fixture keel_case) for each item; with at_least, judged together",
    )


def pytest_generate_tests(metafunc: Any) -> None:
    if "keel_case" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("keel")
    if marker is None:
        raise pytest.UsageError('keel_case needs @pytest.mark.keel("name of a golden set")')
    golden = marker.args[0]
    path = f"/golden/{golden}"
    id = keel_ml.call("GET", path)["definition"]["id"]
    items = keel_ml.golden_items(golden, marker.kwargs.get("version"))
    metafunc.parametrize("keel_case", [KeelCase(item) for item in items], ids=[str(item.get(id)) for item in items])


def bounds(right: int, n: int) -> Tuple[float, float]:
    """Of a share, 95 % (Wilson)."""
    if n == 0:
        return 0.0, 1.0
    z, share = 1.959964, right / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


_judged: Dict[str, Tuple[float, List[bool]]] = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    """A case that is judged with the others does not fail alone: it is counted."""
    outcome = yield
    report = outcome.get_result()
    marker = item.get_closest_marker("keel")
    if marker is None or marker.kwargs.get("at_least") is None or "keel_case" not in item.fixturenames:
        return
    if report.when != "call" or report.outcome == "skipped":
        return
    _, results = _judged.setdefault(f"{item.originalname}: {marker.args[0]}", (marker.kwargs["at_least"], []))
    results.append(report.outcome == "passed")
    if report.outcome == "failed":
        report.outcome = "skipped"
        report.wasxfail = "counted with the other cases"


def verdicts() -> List[Tuple[str, str, str]]:
    found = []
    for name, (least, results) in _judged.items():
        right, n = sum(results), len(results)
        low, high = bounds(right, n)
        verdict = "pass" if low >= least else "fail" if high < least else "cannot tell"
        found.append((name, verdict, f"{right} of {n} right, {low:.3f} to {high:.3f}, at least {least}"))
    return found


def pytest_sessionfinish(session: Any, exitstatus: int) -> None:
    """1 for fail, as of any test; 4 for cannot tell, as `keel gate`."""
    if exitstatus != 0:
        return
    said = [verdict for _, verdict, _ in verdicts()]
    if "fail" in said:
        session.exitstatus = 1
    elif "cannot tell" in said:
        session.exitstatus = 4


def pytest_terminal_summary(terminalreporter: Any) -> None:
    found = verdicts()
    if found:
        terminalreporter.section("golden sets")
        for name, verdict, reason in found:
            terminalreporter.write_line(f"{name}: {verdict} ({reason})")
