"""The GPU gate's verdict as text or Markdown."""

from tabulate import tabulate

from ci import units
from ci.gpu_gate.verdict import GpuTests, GpuVerdict
from ci.reports.markdown import bounded, code
from ci.reports.markdown import table as markdown_table

_ATTEMPTS = ("attempt", "took", "outcome", "why")
_SENTENCE = 2000


def render_gpu_verdict(verdict: GpuVerdict) -> str:
    """Return the verdict as text: the result first, then the evidence, then what is left to do."""
    blocks = [
        f"GPU gate: {verdict.outcome}. {verdict.why}",
        tabulate(_evidence(verdict), tablefmt="plain", disable_numparse=True),
    ]
    if len(verdict.attempts) > 1:
        blocks.append(tabulate(_attempts(verdict), headers=_ATTEMPTS, disable_numparse=True))
    blocks.extend(_warning(pod, verdict.host) for pod in verdict.undeleted)
    return "\n\n".join(blocks)


def render_gpu_summary(verdict: GpuVerdict) -> str:
    """Return the same as `render_gpu_verdict` in Markdown for GitHub, with what is left to do above the evidence."""
    lines = [
        f"## {'✅' if verdict.passed else '❌'} GPU gate: {verdict.outcome}\n",
        code(verdict.why, _SENTENCE),
        *(f"\n{code(_warning(pod, verdict.host), _SENTENCE)}" for pod in verdict.undeleted),
        "",
        *markdown_table(("", ""), [(label, code(text)) for label, text in _evidence(verdict)]),
    ]
    if len(verdict.attempts) > 1:
        lines += ["", *markdown_table(_ATTEMPTS, [tuple(map(code, row)) for row in _attempts(verdict)])]
    return bounded(lines)


def _evidence(verdict: GpuVerdict) -> list[tuple[str, str]]:
    return [
        ("image", verdict.reference),
        ("tests", _tests(verdict.tests)),
        *_listed("failed", verdict.tests.failures),
        *_listed("GPUs", verdict.gpus or ("none seen",)),
        ("where", f"{verdict.pod}, launched on {verdict.host}"),
        ("when", f"{verdict.started}, {units.seconds(verdict.seconds)}"),
    ]


def _tests(tests: GpuTests) -> str:
    return f"{tests.passed} passed, {tests.failed} failed, {tests.errors} with errors, {tests.skipped} skipped"


def _listed(label: str, lines: tuple[str, ...]) -> list[tuple[str, str]]:
    return [("" if number else label, line) for number, line in enumerate(lines)]


def _attempts(verdict: GpuVerdict) -> list[tuple[str, ...]]:
    return [(one.pod, units.seconds(one.seconds), one.outcome.value, one.why) for one in verdict.attempts]


def _warning(pod: str, host: str) -> str:
    return f"WARNING: pod {pod} may still be running and holding a GPU. On {host}, run: kubectl delete pod {pod}"
