"""dpkg's status: https://manpages.debian.org/dpkg-query and deb-control(5)."""

import pytest

from ci.contents.model import Ecosystem, Package
from tests.unit.contents.images import contents_of, packages_of

STATUS = """\
Package: libssl3
Status: install ok installed
Priority: optional
Section: libs
Installed-Size: 5995
Maintainer: Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>
Architecture: amd64
Multi-Arch: same
Source: openssl
Version: 3.0.22-1~deb12u1
Depends: libc6 (>= 2.34)
Conffiles:
 /etc/ssl/x.cnf 7df26c55291b33344dc15e3935dabaf3
Description: Secure Sockets Layer toolkit - shared libraries
 This package is part of the OpenSSL project's implementation of the SSL
 .
 Version: 9.9 is no field here.

Package: libgcc-s1
Status: hold ok installed
Installed-Size: 140
Architecture: amd64
Source: gcc-12 (12.2.0-14)
Version: 12.2.0-14+deb12u1

Package: tzdata
Status: install ok installed
Architecture: all
Version: 2026a-0+deb12u1
"""
LIBSSL = Package(
    ecosystem=Ecosystem.APT, name="libssl3", version="3.0.22-1~deb12u1", size=5995 * 1024,
    source="openssl=3.0.22-1~deb12u1",
)  # fmt: skip


def test_every_field_is_read() -> None:
    libgcc = Package(
        ecosystem=Ecosystem.APT, name="libgcc-s1", version="12.2.0-14+deb12u1", size=140 * 1024,
        source="gcc-12=12.2.0-14",
    )  # fmt: skip
    tzdata = Package(ecosystem=Ecosystem.APT, name="tzdata", version="2026a-0+deb12u1", source="tzdata=2026a-0+deb12u1")
    assert packages_of({"var/lib/dpkg/status": STATUS}) == (libgcc, LIBSSL, tzdata)
    assert packages_of({"var/lib/dpkg/status": STATUS.replace("\n", "\r\n")}) == (libgcc, LIBSSL, tzdata)


def test_a_package_that_left_its_configuration_is_not_installed() -> None:
    status = STATUS.replace("install ok installed", "deinstall ok config-files")
    contents = contents_of({"var/lib/dpkg/status": status})
    assert [package.name for package in contents.packages] == ["libgcc-s1"]
    assert contents.problems == ()


def test_what_is_half_installed_is_a_problem() -> None:
    contents = contents_of({"var/lib/dpkg/status": STATUS.replace("hold ok installed", "install ok half-configured")})
    assert [package.name for package in contents.packages] == ["libssl3", "tzdata"]
    assert contents.problems == (
        "The package libgcc-s1 in /var/lib/dpkg/status is not installed completely: its status is half-configured.",
    )


def test_triggers_that_are_due_do_not_matter() -> None:
    status = STATUS.replace("hold ok installed", "install ok triggers-pending")
    assert len(packages_of({"var/lib/dpkg/status": status})) == 3


@pytest.mark.parametrize("size", ["9" * 20, "9" * 5000, "\u00b2", "-1", "1 kB"])
def test_a_size_that_is_none_is_unknown(size: str) -> None:
    packages = packages_of({"var/lib/dpkg/status": STATUS.replace("5995", size)})
    assert [one.size for one in packages if one.name == "libssl3"] == [None]


def test_a_foreign_architecture_is_part_of_the_name() -> None:
    foreign = STATUS.partition("\n\n")[0].replace("amd64", "i386")
    names = [package.name for package in packages_of({"var/lib/dpkg/status": f"{STATUS}\n{foreign}\n"})]
    assert names == ["libgcc-s1", "libssl3", "libssl3:i386", "tzdata"]


def test_images_without_dpkg_have_a_file_for_each_package() -> None:
    entry = STATUS.partition("\n\n")[0].replace("Status: install ok installed\n", "")
    sums = b"0123  usr/share/d\xe9j\xe0\n"
    files: dict[str, str | bytes] = {
        "var/lib/dpkg/status.d/libssl3": entry,
        "var/lib/dpkg/status.d/libssl3.md5sums": sums,
    }
    assert packages_of(files) == (LIBSSL,)


def test_broken_entries_are_problems_and_the_others_are_read() -> None:
    broken = "Status: install ok installed\nVersion: 1\n\nPackage: a\nStatus: install ok installed\n\nPackage: b\n"
    contents = contents_of({"var/lib/dpkg/status": f"{broken}\n{STATUS}".encode() + b"X: \xff\n"})
    assert len(contents.packages) == 3
    assert contents.problems == (
        "/var/lib/dpkg/status has an entry without a package's name.",
        "/var/lib/dpkg/status is not UTF-8.",
        "The package a in /var/lib/dpkg/status has no version.",
        "The package b in /var/lib/dpkg/status is not installed completely: it has no status.",
    )
