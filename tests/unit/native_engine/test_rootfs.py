import pytest

from native_engine.rootfs import debian_sources

DEBIAN = """\
Types: deb
URIs: http://deb.debian.org/debian
Suites: {0} {0}-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
SECURITY = """\
Types: deb
URIs: http://deb.debian.org/debian-security
Suites:
 {0}-security
Components: main contrib
"""
FOREIGN = """\
Types: deb
URIs: https://download.docker.com/linux/debian
Suites: {0}
Components: stable
"""


def test_a_sources_file_keeps_debians_own_stanzas() -> None:
    text = "\n".join(part.format("bookworm") for part in (DEBIAN, FOREIGN, SECURITY))
    kept = debian_sources(text, "bookworm")
    assert kept.split("\n\n") == [DEBIAN.format("bookworm").strip(), SECURITY.format("bookworm")]


def test_a_newer_machine_uses_its_own_sources_with_the_images_release() -> None:
    assert debian_sources(DEBIAN.format("trixie"), "trixie").strip() == DEBIAN.format("bookworm").strip()


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        pytest.param("deb http://deb.debian.org/debian bookworm main", True, id="plain"),
        pytest.param("deb [signed-by=/k.gpg] http://m/debian bookworm-security main contrib", True, id="options"),
        pytest.param("# deb http://deb.debian.org/debian bookworm main", False, id="comment"),
        pytest.param("deb-src http://deb.debian.org/debian bookworm main", False, id="source"),
        pytest.param("deb https://packages.cloud.google.com/apt cloud-sdk-bookworm main", False, id="foreign suite"),
        pytest.param("deb https://download.docker.com/linux/debian bookworm stable", False, id="foreign component"),
        pytest.param("deb http://deb.debian.org/debian bookworm-backports main", False, id="backports"),
    ],
)
def test_a_list_keeps_debians_own_lines(line: str, *, kept: bool) -> None:
    assert debian_sources(f"{line}\n", "bookworm") == (f"{line}\n" if kept else "")


def test_a_file_without_debians_packages_becomes_empty() -> None:
    assert debian_sources(FOREIGN.format("bookworm"), "bookworm") == ""
