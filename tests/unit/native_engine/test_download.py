import pytest

from native_engine.download import archive_name
from native_engine.errors import EngineError


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "dagger_v1.2.3_linux_amd64.tar.gz"),
        ("Linux", "aarch64", "dagger_v1.2.3_linux_arm64.tar.gz"),
        ("Darwin", "arm64", "dagger_v1.2.3_darwin_arm64.tar.gz"),
    ],
)
def test_each_platform_has_its_own_archive(system: str, machine: str, name: str) -> None:
    assert archive_name("1.2.3", system, machine) == name


def test_a_platform_without_a_release_is_one_sentence() -> None:
    with pytest.raises(EngineError, match="Dagger has no release for Linux on riscv64: install dagger"):
        archive_name("1.2.3", "Linux", "riscv64")
