"""Why stable tags stay as they are."""

from collections.abc import Sequence

from ci.errors import StackError


class RefusedMoveError(StackError):
    """Nothing was written, for every one of these reasons. `what` says in a few words what was not done."""

    def __init__(self, what: str, problems: Sequence[str]) -> None:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{what}, and nothing was written:\n{listed}")
        self.problems = tuple(problems)
