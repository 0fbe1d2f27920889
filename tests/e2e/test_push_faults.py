"""What the engine's own uploads make of a registry that fails, by a registry of ours whose faults are scripted."""

from collections.abc import Iterator

import dagger
import pytest
from dagger import dag

from ci.adapters.dagger_engine.registry import EngineRegistry
from ci.build.ports import EngineFailure
from tests.integration.adapters.oci.faults import Act, cutting_midway, refusing
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
    return dag.container().with_new_file("/new", "small, so that nothing is fetched for it")


async def push(server: RegistryServer, image: dagger.Container, password: str = "") -> str | EngineFailure:
    port = int(server.host.rpartition(":")[2])
    server.host = f"localhost:{port}"  # a login is not shown to where the registry sends on to, if it has another name
    service = dag.host().service([dagger.PortForward(backend=port, frontend=port)], host="127.0.0.1")
    secret = dag.set_secret(f"password-{port}-{password}", password) if password else None
    registry = EngineRegistry(server.host, "bob" if password else "", secret, service, patience=10.0)
    await registry.login()
    return await registry.push(image, f"{server.host}/stack/ds:s-1")


@pytest.mark.parametrize(
    ("where", "act", "times"),
    [
        pytest.param("PUT /blobs/", refusing(500), 2, id="500 twice"),
        pytest.param("PUT /manifests/", refusing(503), 1, id="503"),
        pytest.param("PUT /manifests/", refusing(429, "TOOMANYREQUESTS"), 1, id="429"),
        pytest.param("PUT /blobs/", cutting_midway, 1, id="cut"),
        pytest.param("POST /blobs/uploads/", refusing(502), 1, id="502"),
    ],
)
async def test_what_passes_by_is_tried_again(
    server: RegistryServer, image: dagger.Container, where: str, act: Act, times: int
) -> None:
    method, path = where.split()
    fault = server.fault(method, path, act, times=times)
    digest = await push(server, image)
    assert isinstance(digest, str), digest
    assert server.contents.tags["stack/ds"] == {"s-1": digest}
    assert fault.seen > times


@pytest.mark.parametrize(
    ("where", "act", "told"),
    [
        pytest.param("POST /blobs/uploads/", refusing(403), "this account may not write there", id="403"),
        pytest.param("POST /blobs/uploads/", refusing(404), "there is no such repository", id="404"),
        pytest.param("PUT /blobs/", refusing(507), "the registry has no room", id="507"),
        pytest.param("PUT /blobs/", refusing(413), "layers of this size", id="413"),
        pytest.param("PUT /manifests/", refusing(400), "takes what was sent for wrong", id="400"),
    ],
)
async def test_what_stays_is_told_at_once(
    server: RegistryServer, image: dagger.Container, where: str, act: Act, told: str
) -> None:
    method, path = where.split()
    server.fault(method, path, act, times=MANY)
    refused = await push(server, image)
    assert isinstance(refused, EngineFailure)
    assert told in refused.message
    assert "tried" not in refused.message
    assert server.contents.tags["stack/ds"] == {}


async def test_a_wrong_password_is_told_and_not_shown(server: RegistryServer, image: dagger.Container) -> None:
    server.login = Passwords({"bob": PASSWORD})
    wrong = f"{PASSWORD}-no"
    refused = await push(server, image, wrong)
    assert isinstance(refused, EngineFailure)
    assert "check --registry-username and --registry-password" in refused.message
    assert PASSWORD not in refused.message


async def test_a_login_is_used(server: RegistryServer, image: dagger.Container) -> None:
    server.login = Passwords({"bob": PASSWORD})
    assert isinstance(await push(server, image, PASSWORD), str)
