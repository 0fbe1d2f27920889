"""The GPU gate's verdict as text."""

from tabulate import tabulate

from ci import units
from ci.gpu_gate.verdict import GpuTests, GpuVerdict


def render_gpu_verdict(verdict: GpuVerdict) -> str:
    """Return the verdict as text: the result first, then the evidence, then what is left to do."""
    rows = [
        ("image", verdict.reference),
        ("tests", _tests(verdict.tests)),
        *_listed("failed", verdict.tests.failures),
        *_listed("GPUs", verdict.gpus or ("none seen",)),
        ("where", f"{verdict.pod}, launched on {verdict.host}"),
        ("when", f"{verdict.started}, {units.seconds(verdict.seconds)}"),
    ]
    blocks = [
        f"GPU gate: {verdict.outcome}. {verdict.why}",
        tabulate(rows, tablefmt="plain", disable_numparse=True),
    ]
    if len(verdict.attempts) > 1:
        blocks.append(_attempts(verdict))
    blocks.extend(_warning(pod, verdict.host) for pod in verdict.undeleted)
    return "\n\n".join(blocks)


def _tests(tests: GpuTests) -> str:
    return f"{tests.passed} passed, {tests.failed} failed, {tests.errors} with errors, {tests.skipped} skipped"


def _listed(label: str, lines: tuple[str, ...]) -> list[tuple[str, str]]:
    return [("" if number else label, line) for number, line in enumerate(lines)]


def _attempts(verdict: GpuVerdict) -> str:
    rows = [(one.pod, units.seconds(one.seconds), one.outcome.value, one.why) for one in verdict.attempts]
    return tabulate(rows, headers=("attempt", "took", "outcome", "why"), disable_numparse=True)


def _warning(pod: str, host: str) -> str:
    return f"WARNING: pod {pod} may still be running and holding a GPU. On {host}, run: kubectl delete pod {pod}"
