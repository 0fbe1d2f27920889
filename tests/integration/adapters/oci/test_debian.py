"""What the contract does not cover of Docker's own registry, with TLS and a password."""

import re

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Credentials, Endpoint
from ci.oci.reference import Repository
from ci.oci.registry import LoginError, RegistryError, UnreachableError
from tests.clocks import QuickClock
from tests.integration.adapters.oci.debian import USER, DebianRegistry

pytestmark = pytest.mark.anyio


def endpoint(debian: DebianRegistry, **changes: object) -> Endpoint:
    settings: dict[str, object] = {"host": debian.host, "ca": debian.ca, "credentials": debian.endpoint.credentials}
    return Endpoint(**(settings | changes))  # type: ignore[arg-type]


WRONG = Credentials(username=USER, password="wrong")  # noqa: S106


@pytest.mark.parametrize(
    ("changes", "kind", "sentence"),
    [
        pytest.param({"credentials": WRONG}, LoginError, "does not accept .* 'maintainer'", id="wrong password"),
        pytest.param({"credentials": None}, LoginError, "requires a login for writing", id="no login"),
        pytest.param(
            {"ca": "", "address": "https://{host}"}, UnreachableError,
            "certificate of https://{host} is not trusted .*unable to get local issuer certificate", id="not trusted",
        ),
        pytest.param({"ca": ""}, UnreachableError, "http://{host} speaks TLS, not plain HTTP", id="plain"),
    ],
)  # fmt: skip
async def test_a_wrong_login_or_certificate_is_an_error_at_once(
    debian: DebianRegistry, clock: QuickClock, changes: dict[str, object], kind: type[RegistryError], sentence: str
) -> None:
    filled = {
        key: value.format(host=debian.host) if isinstance(value, str) else value for key, value in changes.items()
    }
    async with HttpRegistry(endpoint(debian, **filled), clock=clock) as registry:
        with pytest.raises(kind, match=sentence.format(host=re.escape(debian.host))):
            await registry.preflight(Repository(host=debian.host, path="stack/closed"))
    assert clock.waits == []


async def test_preflight_leaves_no_upload(debian: DebianRegistry) -> None:
    async with HttpRegistry(debian.endpoint) as registry:
        await registry.preflight(Repository(host=debian.host, path="stack/preflight"))
    # All that docker-registry itself leaves of a cancelled upload is the state of a hash over no bytes.
    left = debian.storage.rglob("stack/preflight/**/*")
    assert {path.parent.name for path in left if path.is_file()} <= {"sha256"}
