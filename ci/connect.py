"""Turns the arguments of a Dagger call into what commands take: the stack, an open registry, the outside world."""

import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import dagger
from dagger import dag

from ci.adapters.dagger_engine.builder import EngineBuilder, engine_version
from ci.adapters.dagger_engine.git import own_git, read_history
from ci.adapters.dagger_engine.images import BuildSecrets
from ci.adapters.dagger_engine.inspector import EngineInspector
from ci.adapters.dagger_engine.limits import within_limit
from ci.adapters.dagger_engine.registry import EngineRegistry, base_digest
from ci.adapters.dagger_engine.source import SourceTree, list_tree
from ci.adapters.dagger_engine.telemetry import TelemetryProgress
from ci.adapters.dagger_engine.tester import EngineTester
from ci.adapters.dagger_engine.workspace import current_source
from ci.adapters.git.wiki import GitWiki, WikiAddress, open_wiki
from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Credentials, Endpoint
from ci.adapters.pipeline_code import running_pipeline
from ci.adapters.registry_apis.docker_hub import DockerHub
from ci.adapters.registry_apis.github_packages import HOST as GITHUB_REGISTRY
from ci.adapters.registry_apis.github_packages import GithubPackages
from ci.cleanup.ports import Remover
from ci.cleanup.registry_remover import RegistryRemover
from ci.commands.gpu_gate import GpuPorts
from ci.commands.plan import BuildPorts
from ci.commands.registry import check_password, registry_name
from ci.commands.secrets import secret_ids
from ci.gpu_gate.gate import run_gate
from ci.gpu_gate.ports import LoginNode
from ci.gpu_gate.verdict import GpuVerdict
from ci.oci.reference import DOCKER_HUB
from ci.planning.changes import History
from ci.planning.secrets import GivenSecrets
from ci.publish.registry_state import RegistrySession
from ci.publish.tags import TagLayout
from ci.reports.gpu import render_gpu_verdict
from ci.stack.build_args import parse_build_args
from ci.stack.gpu_config import GpuSettings
from ci.stack.init import suggest_settings
from ci.stack.model import Stack
from ci.stack.reader import read_stack

_READING = "read the source tree"


class BuildInputs(NamedTuple):
    """What a call gives to builds: NAME=VALUE build args, secrets, their ids if those are named, and an SSH agent."""

    args: Sequence[str] | None = None
    secrets: Sequence[dagger.Secret] | None = None
    secret_ids: Sequence[str] | None = None
    ssh: dagger.Socket | None = None


class Project(NamedTuple):
    """A source tree in the engine, the listing of it, the stack in it, and the secrets of its builds."""

    source: dagger.Directory
    tree: SourceTree
    stack: Stack
    secrets: BuildSecrets = BuildSecrets()

    @property
    def given(self) -> GivenSecrets:
        """What is known of the secrets outside of the engine."""
        return GivenSecrets(ids=tuple(self.secrets.by_id), has_ssh=self.secrets.ssh is not None)


async def read_project(source: dagger.Directory | None, images: str, inputs: BuildInputs | None = None) -> Project:
    """List the tree and read the stack. Raises SpecError, RequestError and ExternalError.

    Without inputs nothing is to be built: what a build would need may be missing.
    """
    build_args = None if inputs is None else parse_build_args(inputs.args or ())
    with TelemetryProgress().work(_READING):
        secrets = await _read_secrets(inputs) if inputs else BuildSecrets()
        source = source or await current_source()
        tree = await list_tree(source)
        stack = await tree.read_by(lambda tree: read_stack(tree, images, build_args=build_args))
    return Project(source, tree, stack, secrets)


async def _read_secrets(inputs: BuildInputs) -> BuildSecrets:
    """Return the secrets under their ids: the name of a secret is what the engine looks for."""
    secrets, ids = inputs.secrets or (), inputs.secret_ids or ()
    addresses = [await within_limit("read --build-secret", secret.uri()) for secret in secrets]
    by_id = {
        name: dag.set_secret(name, await within_limit("read --build-secret", secret.plaintext()))
        for name, secret in zip(secret_ids(addresses, ids), secrets, strict=True)
    }
    return BuildSecrets(by_id, inputs.ssh)


async def suggest_stack_toml(source: dagger.Directory | None, images: str) -> str:
    """Return the stack.toml that a tree needs. Raises SpecError and ExternalError."""
    with TelemetryProgress().work(_READING):
        tree = await list_tree(source or await current_source())
        return await tree.read_by(lambda tree: suggest_settings(tree, images))


class RegistryOptions(NamedTuple):
    """The registry options of a call. An empty name is the one of stack.toml."""

    name: str = ""
    username: str = ""
    password: dagger.Secret | None = None
    service: dagger.Service | None = None


class GpuOptions(NamedTuple):
    """How a call reaches the login node."""

    key: dagger.Secret | None = None
    password: dagger.Secret | None = None
    known_hosts: dagger.File | None = None
    service: dagger.Service | None = None
    attempts: int = 3


class Connection(NamedTuple):
    """The registry of a stack, as this process and as the engine reach it."""

    session: RegistrySession
    engine: EngineRegistry


@asynccontextmanager
async def open_registry(stack: Stack, options: RegistryOptions) -> AsyncIterator[Connection | None]:
    """Open the registry of a stack; None if neither the call nor the stack names one. Raises RequestError."""
    name = registry_name(
        stack.registry,
        options.name,
        username=options.username,
        has_password=options.password is not None,
        has_service=options.service is not None,
    )
    if not name:
        yield None
        return
    tags = TagLayout.of_stack(name, stack)
    host = tags.repository("any").host
    credentials, secret, address = None, None, ""
    with TelemetryProgress().work(f"open the registry {host}"):
        if options.username and options.password:
            password = await _plaintext(options.password, "--registry-password")
            check_password(options.username, password)
            credentials = Credentials(username=options.username, password=password)
            secret = dag.set_secret("registry-password", password)
        if options.service:
            address = f"http://{await _reach(options.service, '--registry-service')}"
    async with HttpRegistry(Endpoint(host=host, credentials=credentials, address=address)) as registry:
        session = RegistrySession(registry=registry, tags=tags, has_login=credentials is not None)
        yield Connection(session, EngineRegistry(host, options.username, secret, options.service, stack.compression))


@asynccontextmanager
async def open_remover(
    session: RegistrySession, options: RegistryOptions, token: dagger.Secret | None
) -> AsyncIterator[Remover]:
    """Open what deletes from the registry of a session: registries differ in that. `token` is one of GitHub."""
    host, registry = session.tags.repository("any").host, session.registry
    if host == GITHUB_REGISTRY:
        secret = token or options.password
        async with GithubPackages(registry, await _plaintext(secret, "--token") if secret else "") as packages:
            yield packages
    elif host == DOCKER_HUB:
        password = await _plaintext(options.password, "--registry-password") if options.password else ""
        async with DockerHub(registry, options.username, password) as hub:
            yield hub
    else:
        yield RegistryRemover(registry)


async def build_ports(project: Project, connection: Connection | None = None) -> tuple[BuildPorts, EngineTester]:
    """Return the outside world of a build, in which the engine is logged in; and the tester, which keeps test files."""
    progress = TelemetryProgress()
    if connection is not None:
        with progress.work("log the engine in to the registry"):
            await connection.engine.login()
    with progress.work("look up the engine's version"):
        pipeline = running_pipeline(await engine_version())
    builder = EngineBuilder(project.source, connection.engine if connection else None, project.secrets)
    tester = EngineTester(project.source, builder)

    async def history(base: str, head: str) -> History:
        return await read_history(project.source, project.tree, own_git(), base, head)

    ports = BuildPorts(
        base_digest=base_digest,
        history=history,
        registry=connection.session if connection else None,
        builder=builder,
        tester=tester,
        inspector=EngineInspector(builder, connection.engine if connection else None),
        progress=progress,
        pipeline=pipeline,
        # The function's container sees all cores of the engine's machine. One more, because tasks also wait for servers
        # and the network: the 16 suites of our stack took two cores 118 s two at a time, 93 s by threes, 97 s by fours.
        jobs=len(os.sched_getaffinity(0)) + 1,
    )
    return ports, tester


def gpu_ports(options: GpuOptions) -> GpuPorts:
    """Return the GPU gate on the login node that the stack names."""

    async def run(settings: GpuSettings, reference: str) -> GpuVerdict:
        with TelemetryProgress().work("read the keys of the login node"):
            node = await _login_node(settings, options)
        verdict = await run_gate(node, settings, reference, log=show_line, attempts=options.attempts)
        show_line(render_gpu_verdict(verdict))  # before anything else happens to it: it took an hour
        return verdict

    return GpuPorts(run, can_log_in=options.key is not None or options.password is not None)


def show_line(line: str) -> None:
    """Show a line while a function runs: what a function prints is part of Dagger's progress."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _login_node(settings: GpuSettings, options: GpuOptions) -> LoginNode:
    # asyncssh takes 0.4 s to import, which every call of every function would have to wait for.
    from ci.adapters.ssh import SshLogin, SshNode  # noqa: PLC0415

    login = SshLogin(
        private_key=await within_limit("read --ssh-key", options.key.plaintext()) if options.key else "",
        password=await _plaintext(options.password, "--ssh-password") if options.password else "",
    )
    hosts = options.known_hosts
    known_hosts = await within_limit("read --known-hosts", hosts.contents()) if hosts else ""
    address: tuple[str, int] | None = None
    if options.service is not None:
        host, _, port = (await _reach(options.service, "--ssh-service")).rpartition(":")
        address = host, int(port)
    return SshNode(settings, login, known_hosts, address)


@asynccontextmanager
async def open_wiki_repository(
    url: str, token: dagger.Secret | None, username: str, service: dagger.Service | None
) -> AsyncIterator[GitWiki]:
    """Open the repository of a wiki, for as long as the context is open."""
    with TelemetryProgress().work(f"open the wiki {url}"):
        secret = await _plaintext(token, "--token") if token else ""
        address = f"http://{await _reach(service, '--service')}" if service else ""
    async with open_wiki(WikiAddress(url=url, username=username, token=secret, address=address)) as repository:
        yield repository


async def _plaintext(secret: dagger.Secret, option: str) -> str:
    """Return a password, without the line break that a file with a password often ends with."""
    return (await within_limit(f"read {option}", secret.plaintext())).rstrip("\r\n")


async def _reach(service: dagger.Service, option: str) -> str:
    """Return where a service that was given as an option can be reached, HOST:PORT."""
    await within_limit(f"reach {option}", service.start())
    return await within_limit(f"reach {option}", service.endpoint())
