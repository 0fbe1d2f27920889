"""Docker's own registry, with TLS and a password, where it is more than the contract."""

import re

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Credentials, Endpoint
from ci.oci.reference import Repository
from ci.oci.registry import LoginError, RegistryError, UnreachableError
from tests.integration.adapters.oci.clocks import QuickClock
from tests.integration.adapters.oci.debian import USER, DebianRegistry

pytestmark = pytest.mark.anyio


def access(debian: DebianRegistry, **changes: object) -> Endpoint:
    settings: dict[str, object] = {"host": debian.host, "ca": debian.ca, "credentials": debian.access.credentials}
    return Endpoint(**(settings | changes))  # type: ignore[arg-type]


WRONG = Credentials(username=USER, password="wrong")  # noqa: S106


@pytest.mark.parametrize(
    ("changes", "kind", "sentence"),
    [
        pytest.param({"credentials": WRONG}, LoginError, "does not accept .* 'maintainer'", id="wrong password"),
        pytest.param({"credentials": None}, LoginError, "wants a login to write", id="no login"),
        pytest.param(
            {"ca": "", "address": "https://{host}"}, UnreachableError,
            "certificate of https://{host} is not trusted .*unable to get local issuer certificate", id="not trusted",
        ),
        pytest.param({"ca": ""}, UnreachableError, "http://{host} speaks TLS, not plain HTTP", id="plain"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_the_way_in_is_told_at_once(
    debian: DebianRegistry, clock: QuickClock, changes: dict[str, object], kind: type[RegistryError], sentence: str
) -> None:
    filled = {
        key: value.format(host=debian.host) if isinstance(value, str) else value for key, value in changes.items()
    }
    async with HttpRegistry(access(debian, **filled), clock=clock) as registry:
        with pytest.raises(kind, match=sentence.format(host=re.escape(debian.host))):
            await registry.preflight(Repository(host=debian.host, path="stack/closed"))
    assert clock.waits == []


async def test_preflight_leaves_no_upload(debian: DebianRegistry) -> None:
    async with HttpRegistry(debian.access) as registry:
        await registry.preflight(Repository(host=debian.host, path="stack/preflight"))
    # What it leaves itself, of an upload that it says it has cancelled, is the state of a hash over nothing.
    left = debian.storage.rglob("stack/preflight/**/*")
    assert {path.parent.name for path in left if path.is_file()} <= {"sha256"}
