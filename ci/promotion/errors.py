"""Why a promotion or a rollback is refused."""

from collections.abc import Sequence

from ci.errors import StackError


class PromotionDeniedError(StackError):
    """A promotion or rollback was refused for all these reasons, and nothing was written. `what` was not done."""

    def __init__(self, what: str, problems: Sequence[str]) -> None:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{what}, and nothing was written:\n{listed}")
        self.problems = tuple(problems)
