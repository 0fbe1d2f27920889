"""JUnit reports in pytest's form."""


def case(name: str, outcome: str = "", classname: str = "test_gpu") -> str:
    """Return a test; `outcome` is the XML inside it, such as `<failure/>`."""
    return f'<testcase classname="{classname}" name="{name}">{outcome}</testcase>'


def junit_of(*cases: str, **totals: int) -> str:
    """Return a report of these tests, with totals such as `failures=1` stated by its suite."""
    stated = "".join(f' {name}="{total}"' for name, total in totals.items())
    inner = f'<testsuite name="pytest"{stated}>{"".join(cases)}</testsuite>'
    return f'<testsuites name="pytest tests">{inner}</testsuites>'


def junit(passed: int = 0, failed: int = 0, errors: int = 0, skipped: int = 0) -> str:
    """Return a report of so many tests, `test_gpu::test_0` and so on, in this order."""
    inner = {"": passed, "<failure/>": failed, "<error/>": errors, "<skipped/>": skipped}
    outcomes = [outcome for outcome, count in inner.items() for _ in range(count)]
    cases = [case(f"test_{number}", outcome) for number, outcome in enumerate(outcomes)]
    return junit_of(*cases, tests=len(cases), failures=failed, errors=errors, skipped=skipped)
