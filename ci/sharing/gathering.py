"""Makes one report of those of all shares, held against what the registry has."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ci.planning.decisions import Action, NoAnswer, Present, other_parents
from ci.planning.plan import ImagePlan
from ci.results import Failure, ImageReport, Outcome, RunReport
from ci.sharing.model import Share, Shares
from ci.stack.image import Image
from ci.stack.model import Stack
from ci.timing import TaskReport

Found = Mapping[str, Sequence[Present] | NoAnswer]
"""The builds of each image of a share that passed its tests, as the registry has them; the best first."""


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """The report of the whole stack, and of each image that is there the images that it was built from, by name."""

    report: RunReport
    needs: Mapping[str, Mapping[str, str]]


def newest_reports(shares: Shares, reports: Iterable[RunReport]) -> Mapping[str, RunReport]:
    """Return the report of each share: the newest, where it ran several times.

    Those of other divisions do not count.
    """
    found: dict[str, RunReport] = {}
    for report in sorted(reports, key=lambda report: report.started):
        if report.divided == shares.created and report.commit == shares.commit:
            found[report.share] = report
    return found


def gather(
    stack: Stack, shares: Shares, reports: Mapping[str, RunReport], found: Found, offsets: Mapping[str, float]
) -> Gathered:
    """Return what became of a divided stack.

    An image is only green if the registry has a build of it that passed its tests and was built on the builds of the
    others that are here. `offsets` are the seconds from the division to the start of each report.
    """
    owners = shares.division.owners
    digests: dict[str, str] = {}
    needs: dict[str, Mapping[str, str]] = {}
    images: list[ImageReport] = []
    for planned in shares.plan.images:
        name = planned.name
        if name not in owners:
            images.append(_untouched(planned))
            if planned.digest:
                digests[name], needs[name] = planned.digest, shares.published.get(name, {})
            continue
        report = reports.get(owners[name].name)
        judged = _Judge(
            stack.by_name[name], owners[name], _own_report(report, name, offsets.get(owners[name].name, 0.0))
        )
        image, build = judged.image(found.get(name, ()), digests)
        images.append(image)
        if build is not None:
            digests[name], needs[name] = build.digest, build.needs
    rounds = (shares.division.trunk, shares.division.branches)
    jobs = max(sum(reports[one.name].jobs for one in shares if one.name in reports) for shares in rounds)
    report = RunReport(
        plan=shares.plan,
        images=tuple(images),
        started=shares.created,
        seconds=max((offsets.get(name, 0.0) + one.seconds for name, one in reports.items()), default=0.0),
        jobs=jobs,
        commit=shares.commit,
        changed=shares.changed,
        tasks=_tasks(reports, offsets),
    )
    return Gathered(report=report, needs=needs)


def _untouched(planned: ImagePlan) -> ImageReport:
    outcome = Outcome.DISABLED if planned.action is Action.DISABLED else Outcome.REUSED
    return ImageReport(name=planned.name, outcome=outcome, digest=planned.digest)


def _own_report(report: RunReport | None, name: str, offset: float) -> ImageReport | None:
    image = report.by_name.get(name) if report else None
    return _shifted(image, offset) if image else None


class _Judge(msgspec.Struct, frozen=True):
    """An image of a share, with what the share reports of it, if there is a report."""

    own: Image
    share: Share
    report: ImageReport | None

    def image(
        self, found: Sequence[Present] | NoAnswer, digests: Mapping[str, str]
    ) -> tuple[ImageReport, Present | None]:
        """Return the report of the image, and its build, if it is green."""
        if isinstance(found, NoAnswer):
            return self._failed(
                Outcome.NOT_UPLOADED, f"The registry did not say whether it is there: {found.why}"
            ), None
        build = next((one for one in found if not other_parents(self.own, one, digests)), None)
        if build is not None:
            return self._green(build), build
        if self.report is not None and not self.report.outcome.ok:
            return self.report, None
        again = f"Run the job of {self.share.name} again, then gather again."
        unknown = any(need not in digests for need in self.own.needs)
        if self.report is None and (unknown or not found):
            why = f"{self.share.name} left no report of it: its machine was lost, or its report was not kept. {again}"
            return self._failed(Outcome.MISSING, why), None
        if self.report is not None and all(one.digest != self.report.digest for one in found):
            why = (
                f"{self.share.name} reports that it passed as {self.report.digest}, but the registry has no such image "
                f"with its test attestation: it was deleted, or the report is not of this stack. {again}"
            )
            return self._failed(Outcome.NOT_UPLOADED, why), None
        if self.report is not None and unknown:
            return self.report, None  # what is wrong with those that it was built on is said there
        parents = [
            f"{need} {found[0].needs.get(need, 'of an unknown build')}, while {need} is {digests[need]}"
            for need in other_parents(self.own, found[0], digests)
        ]
        return self._failed(Outcome.NOT_UPLOADED, f"It was built on {'; on '.join(parents)}. {again}"), None

    def _green(self, build: Present) -> ImageReport:
        if self.report is not None and self.report.outcome.ok and self.report.digest == build.digest:
            return self.report
        # A later attempt, or another run, passed.
        return ImageReport(name=self.own.name, outcome=Outcome.REUSED, digest=build.digest)

    def _failed(self, outcome: Outcome, why: str) -> ImageReport:
        failure = Failure(
            path=self.own.dockerfile_path, line=0, instruction=f"gathering {self.share.name}", message=why
        )
        report = self.report or ImageReport(name=self.own.name, outcome=outcome)
        return msgspec.structs.replace(report, outcome=outcome, failure=failure)


def _shifted(image: ImageReport, offset: float) -> ImageReport:
    """Return a report with times that count from the division."""
    return msgspec.structs.replace(
        image,
        started=image.started + offset,
        steps=tuple(msgspec.structs.replace(one, started=one.started + offset) for one in image.steps),
        suites=tuple(msgspec.structs.replace(one, started=one.started + offset) for one in image.suites),
    )


def _tasks(reports: Mapping[str, RunReport], offsets: Mapping[str, float]) -> tuple[TaskReport, ...]:
    """Return the tasks of all shares in the order in which they started, with times that count from the division."""
    every = [(name, place) for name, report in reports.items() for place in range(len(report.tasks))]

    def begins(one: tuple[str, int]) -> float:
        return offsets.get(one[0], 0.0) + reports[one[0]].tasks[one[1]].started

    places = {one: place for place, one in enumerate(sorted(every, key=begins))}
    return tuple(
        msgspec.structs.replace(
            task,
            started=task.started + offsets.get(name, 0.0),
            ready=task.ready + offsets.get(name, 0.0),
            after=None if task.after is None else places[name, task.after],
        )
        for name, place in places
        for task in [reports[name].tasks[place]]
    )
