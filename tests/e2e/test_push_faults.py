"""How pushes by the engine handle a failing registry: a registry of ours whose faults are scripted."""

import threading
from collections.abc import Iterator

import dagger
import pytest
from dagger import dag

from ci.adapters.dagger_engine.registry import EngineRegistry
from ci.build.engine_failure import EngineFailure
from tests.integration.adapters.oci.faults import Act, cutting_midway, keeping_silent, refusing
from tests.integration.adapters.oci.logins import Passwords
from tests.integration.adapters.oci.server import RegistryServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("session")]
MANY = 1000
PASSWORD = "tell-nobody-5512"  # noqa: S105 (of a registry that lives as long as a test)


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with RegistryServer().serving() as running:
        yield running


@pytest.fixture
async def image() -> dagger.Container:
    return dag.container().with_new_file("/new", "small, and nothing is pulled for it")


async def push(server: RegistryServer, image: dagger.Container, password: str = "") -> str | EngineFailure:
    port = int(server.host.rpartition(":")[2])
    server.host = f"localhost:{port}"  # upload addresses have this name, and get no login under another
    service = dag.host().service([dagger.PortForward(backend=port, frontend=port)], host="127.0.0.1")
    secret = dag.set_secret(f"password-{port}-{password}", password) if password else None
    registry = EngineRegistry(server.host, "bob" if password else "", secret, service, timeout=10.0)
    await registry.login()
    return await registry.push(image, f"{server.host}/stack/ds:s-1")


@pytest.mark.parametrize(
    ("where", "act", "times"),
    [
        pytest.param("PUT /blobs/", refusing(500), 2, id="500 twice"),
        pytest.param("PUT /manifests/", refusing(503), 1, id="503"),
        pytest.param("PUT /manifests/", refusing(429, "TOOMANYREQUESTS"), 1, id="429"),
        pytest.param("POST /blobs/uploads/", refusing(502), 1, id="502"),
    ],
)
async def test_a_transient_failure_is_retried(
    server: RegistryServer, image: dagger.Container, where: str, act: Act, times: int
) -> None:
    method, path = where.split()
    fault = server.fault(method, path, act, times=times)
    digest = await push(server, image)
    assert isinstance(digest, str), digest
    assert server.contents.tags["stack/ds"] == {"s-1": digest}
    assert fault.seen > times


@pytest.mark.parametrize(
    ("where", "act", "advice"),
    [
        pytest.param("POST /blobs/uploads/", refusing(403), "the account may not write to this repository", id="403"),
        pytest.param("POST /blobs/uploads/", refusing(404), "the repository does not exist", id="404"),
        pytest.param("PUT /blobs/", refusing(507), "the registry has no space left", id="507"),
        pytest.param("PUT /blobs/", refusing(413), "rejected a layer as too large", id="413"),
        pytest.param("PUT /manifests/", refusing(400), "rejected the content as invalid", id="400"),
    ],
)
async def test_a_lasting_failure_is_reported_at_once(
    server: RegistryServer, image: dagger.Container, where: str, act: Act, advice: str
) -> None:
    method, path = where.split()
    server.fault(method, path, act, times=MANY)
    failed = await push(server, image)
    assert isinstance(failed, EngineFailure)
    assert advice in failed.message
    assert "tried" not in failed.message
    assert server.contents.tags["stack/ds"] == {}


async def test_an_upload_that_was_abandoned_is_not_started_again(
    server: RegistryServer, image: dagger.Container
) -> None:
    """The engine may still be at it."""
    end = threading.Event()
    fault = server.fault("PUT", "/manifests/", keeping_silent(end), times=MANY)
    failed = await push(server, image)
    end.set()
    assert isinstance(failed, EngineFailure)
    assert "The engine may still be uploading, and running the same command again is safe" in failed.message
    assert "tried" not in failed.message
    assert fault.seen == 1


async def test_after_a_cut_connection_the_next_run_finishes_the_upload(
    server: RegistryServer, image: dagger.Container
) -> None:
    """Behind a service the engine does not notice the cut, and waits until it is given up."""
    server.fault("PUT", "/blobs/", cutting_midway, times=1)
    failed = await push(server, image)
    assert isinstance(failed, EngineFailure)
    assert "running the same command again is safe" in failed.message
    assert server.contents.tags["stack/ds"] == {}
    digest = await push(server, image)
    assert isinstance(digest, str), digest
    assert server.contents.tags["stack/ds"] == {"s-1": digest}


async def test_a_wrong_password_is_reported_and_not_shown(server: RegistryServer, image: dagger.Container) -> None:
    server.login = Passwords({"bob": PASSWORD})
    wrong = f"{PASSWORD}-no"
    failed = await push(server, image, wrong)
    assert isinstance(failed, EngineFailure)
    assert "check --registry-username and --registry-password" in failed.message
    assert PASSWORD not in failed.message


async def test_a_login_is_used(server: RegistryServer, image: dagger.Container) -> None:
    server.login = Passwords({"bob": PASSWORD})
    assert isinstance(await push(server, image, PASSWORD), str)
