"""The front door's fifth part: the Dagger function that deletes what nothing needs any more from the registry."""

from typing import Annotated

import dagger
from dagger import Doc

from ci.adapters.dagger_engine.telemetry import TelemetryProgress
from ci.clock import Clock
from ci.commands.registry import require_session
from ci.commands.tidy import TidyOptions, TidyResult, tidy, too_much
from ci.connect import RegistryOptions, open_registry, open_remover, read_project
from ci.dagger_function import RedRunError, uncached_function
from ci.options import Password, Registry, Service, Username
from ci.reports.retention import render_retention, render_swept
from ci.retention.model import Policy


class TidyFunctions:
    """The functions of Datahub for what may go from the registry."""

    source: dagger.Directory | None
    images: str

    @uncached_function
    async def tidy(
        self,
        delete: Annotated[bool, Doc("Delete what goes. Without it, nothing is written.")] = False,
        keep_last: Annotated[int, Doc("How many of the newest published stacks stay.")] = 10,
        keep_days: Annotated[int, Doc("For how many days every published stack stays.")] = 90,
        most: Annotated[int, Doc("Refuse to delete more than this percentage of all images.")] = 50,
        token: Annotated[
            dagger.Secret | None,
            Doc("A token of GitHub that may delete packages, for ghcr.io. Default: --registry-password."),
        ] = None,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
    ) -> str:
        """Show which images of the registry may go and why, and delete them with --delete.

        What is or was stable stays with all that is attached to it, and so do the newest stacks, histories, tags that
        no run wrote, and whatever is too young to be judged. Publishing and promoting may go on meanwhile.
        """
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        options = TidyOptions(policy=Policy(keep_last=keep_last, keep_days=keep_days), most=most, delete=delete)
        project = await read_project(self.source, self.images)
        async with open_registry(project.stack, where) as connection:
            session = require_session(connection.session if connection else None)
            async with open_remover(session, where, token) as remover:
                with TelemetryProgress().work("tidy the registry" if delete else "read the registry"):
                    result = await tidy(project.stack, session, remover, options, now=Clock().now())
        return _render(result, most)


def _render(result: TidyResult, most: int) -> str:
    text = render_retention(result.plan)
    if result.plan.is_empty:
        return f"{text}\nThere is nothing to delete.\n"
    if result.swept is None:
        problem = too_much(result.plan, most)
        notes = [
            "Nothing was deleted: --delete deletes it.",
            *([f"It would be refused: {problem}"] if problem else []),
        ]
        return f"{text}\n{' '.join(notes)}\n"
    text = f"{text}\n{render_swept(result.swept)}\n"
    if result.swept.problems:
        raise RedRunError(f"not all could be deleted, exit code 1\n\n{text}")
    return text
