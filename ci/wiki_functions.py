"""The front door's fourth part: Dagger functions that write the wiki."""

from typing import Annotated

import dagger
from dagger import Doc

from ci.adapters.dagger_engine.folder import make_folder
from ci.adapters.dagger_engine.telemetry import TelemetryProgress
from ci.commands.registry import require_session
from ci.commands.wiki import WikiResult, page_prefix, required_wiki_url, wiki_url, write_wiki
from ci.commands.wiki_input import WikiReader
from ci.connect import RegistryOptions, open_registry, open_wiki_repository, read_project
from ci.dagger_function import RedRunError, uncached_function
from ci.options import Password, Registry, Service, Username
from ci.wiki.pages import render_pages
from ci.wiki.summary import render_change

WikiUrl = Annotated[
    str,
    Doc(
        "The git repository of the wiki, https://github.com/OWNER/NAME.wiki.git. Default: wiki.url in stack.toml, else "
        "the wiki of stack.source."
    ),
]


class WikiFunctions:
    """The functions of Datahub for the wiki."""

    source: dagger.Directory | None
    images: str

    @uncached_function
    async def wiki(
        self,
        url: WikiUrl = "",
        token: Annotated[
            dagger.Secret | None, Doc("A token that may write the wiki: env:GITHUB_TOKEN. Needs contents: write.")
        ] = None,
        username: Annotated[str, Doc("Whose token it is. GitHub takes any name with a token.")] = "x-access-token",
        service: Annotated[
            dagger.Service | None,
            Doc("The wiki's server behind a tunnel that speaks HTTP: tcp://localhost:8080."),
        ] = None,
        dry_run: Annotated[bool, Doc("Show which pages would change, but write nothing.")] = False,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
    ) -> str:
        """Write the wiki: what stable and published images hold, what changed, and which image builds on which.

        All of it comes from the registry: run it after each build-stack --publish, tag and rollback. Pages of people,
        and what they write around the marked part of Home and the sidebar, stay as they are.
        """
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        project = await read_project(self.source, self.images)
        address = required_wiki_url(url, project.stack, registry)
        async with (
            open_registry(project.stack, where) as connection,
            open_wiki_repository(address, token, username, service) as repository,
        ):
            session = require_session(connection.session if connection else None)
            reader = WikiReader(project.stack, session, prefix=page_prefix(address))
            with TelemetryProgress().work(f"write the wiki {address}"):
                result = await write_wiki(repository, reader.read, dry_run=dry_run)
        return _without_refusals(result)

    @uncached_function
    async def wiki_pages(
        self,
        url: WikiUrl = "",
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
    ) -> dagger.Directory:
        """Give the pages that `wiki` would write, as files, to look at them: add `-o pages`.

        Their links lead to the wiki, where one is known.
        """
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        project = await read_project(self.source, self.images)
        address = wiki_url(url, project.stack)
        async with open_registry(project.stack, where) as connection:
            session = require_session(connection.session if connection else None)
            with TelemetryProgress().work("read the registry"):
                wiki = await WikiReader(project.stack, session, prefix=page_prefix(address)).read()
        with TelemetryProgress().work("write the pages"):
            return await make_folder({f"{name}.md": text for name, text in render_pages(wiki).items()})


def _without_refusals(result: WikiResult) -> str:
    text = render_change(result.change, result.pages, dry_run=result.dry_run)
    if result.change.refused:
        raise RedRunError(f"pages of people are in the way, exit code 1\n\n{text}")
    return text
