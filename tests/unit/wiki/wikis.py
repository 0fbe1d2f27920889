"""Wikis as tests need them: a stack of four images that was published three times, promoted twice and rolled back."""

from collections.abc import Mapping, Sequence

import msgspec

from ci.contents.comparing import compare_stacks
from ci.contents.described_stack import DescribedStack
from ci.contents.model import Contents, ImageConfig, Package, System
from ci.planning.decisions import Action
from ci.promotion.records import GateApproval, Kind, PromotionRecord, RecordedUpdate
from ci.promotion.timeline import read_timeline
from ci.publish.attestations import RecordedImage, RecordedTests, RunRecord
from ci.publish.tags import TagLayout
from ci.wiki.model import RecordedStack, StableStack, Version, WikiInput, recorded_dependencies
from tests.unit.contents.samples import contents, kernel, layer, package, stack

REGISTRY = "docker.io/ucsdets"
STABLE = "2026.4-stable"
TAGS = ("2026.4-a1239ab", "2026.4-b2239ab", "2026.4-c3239ab")
PARENTS: Mapping[str, str | None] = {
    "base-notebook": None,
    "datascience-notebook": "base-notebook",
    "r-notebook": "base-notebook",
    "scipy-ml-notebook": "datascience-notebook",
}


def digest(text: str) -> str:
    return f"sha256:{text.encode().hex().ljust(64, '0')[:64]}"


def image(name: str, tag: str, *found: Package, **fields: object) -> Contents:
    base = layer(digest("debian"), 28_000_000, "FROM debian:bookworm-slim")
    own = layer(digest(f"{name} {tag}"), 300_000_000, "RUN apt-get update && apt-get install …", name)
    plain = contents(
        name,
        *found,
        digest=digest(f"{name} {tag}"),
        system=System(os_id="debian", os_version="12", os_name="Debian 12.15",
                      versions={"OS": "Debian 12.15", "Python": "3.11.2", "JupyterLab": "4.6.6"}),
        config=ImageConfig(user="jovyan", workdir="/home/jovyan", command=("start-notebook.sh",),
                           environment={"LANG": "C.UTF-8", "JUPYTER_TOKEN": "hunter2"}, ports=("8888/tcp",)),
        kernels=(kernel("python3"),),
        layers=(base, own),
    )  # fmt: skip
    return msgspec.structs.replace(plain, **fields)


def described(tag: str, numpy: str, *, dplyr: str = "1.1.2", extra: Sequence[Package] = ()) -> DescribedStack:
    """Return the stack of four images with a version of NumPy in its base, and one of dplyr."""
    venv, library = "/opt/venv/lib/python3.11/site-packages", "/usr/lib/R/site-library"
    base = (
        package("apt:openssl=3.0.17-1", size=2_300_000),
        package("apt:python3=3.11.2-1+b1", size=94_000),
        package("pip:jupyterlab=4.6.6", location=venv, size=38_000_000, license="BSD-3-Clause"),
        package(f"pip:numpy={numpy}", location=venv, size=61_000_000, license="BSD-3-Clause"),
        *extra,
    )
    science = (*base, package("pip:pandas=2.4.0", location=venv, size=55_000_000, license="BSD-3-Clause"))
    r = (
        *base,
        package(f"apt:r-cran-dplyr={dplyr}-1", size=2_100_000),
        package(f"R:dplyr={dplyr}", location=library, size=2_000_000, owner="apt:r-cran-dplyr"),
        package("R:ggplot2=3.5.1", location=library, size=4_000_000, license="MIT"),
    )
    torch = package("pip:torch=2.15.0", location=venv, size=2_300_000_000, license="BSD-3-Clause")
    versions = {"OS": "Debian 12.15", "Python": "3.11.2", "JupyterLab": "4.6.6"}
    return stack(
        tag,
        image("base-notebook", tag, *base),
        image("datascience-notebook", tag, *science, size=2_100_000_000, compressed_size=690_000_000),
        image("r-notebook", tag, *r, kernels=(kernel("python3"), kernel("ir", "R")),
              system=System(os_name="Debian 12.15", versions={**versions, "R": "4.2.2"})),
        image("scipy-ml-notebook", tag, *science, torch, size=9_080_000_000, compressed_size=4_100_000_000,
              system=System(os_name="Debian 12.15", versions={**versions, "CUDA": "13.2", "PyTorch": "2.15.0"})),
        parents=PARENTS,
    )  # fmt: skip


def run(tag: str, started: str, names: Sequence[str] = tuple(PARENTS)) -> RunRecord:
    tests = RecordedTests(suites="0" * 64, passed=212, skipped=3, flaky=1, ran=("common/image", "common/server"))
    return RunRecord(
        tag=tag,
        commit=tag.partition("-")[2].ljust(40, "0"),
        started=started,
        seconds=600,
        images=tuple(
            RecordedImage(
                name=name, repository=f"{REGISTRY}/{name}", digest=digest(f"{name} {tag}"), key="k" * 64,
                action=Action.BUILD, reason="files changed", size=400_000_000, seconds=60, tests=tests, epoch="",
                build_args={}, bases={} if PARENTS.get(name) else {"debian:bookworm-slim": digest("debian")},
            )
            for name in names
        ),
    )  # fmt: skip


def promotion(number: int, at: str, old: str | None, new: str, **fields: object) -> PromotionRecord:
    """Return the record of a promotion of all images from one tag to another."""
    moves = tuple(
        RecordedUpdate(
            image=name, repository=f"{REGISTRY}/{name}", tag=STABLE, old=digest(f"{name} {old}") if old else None,
            new=digest(f"{name} {new}"),
        )
        for name in PARENTS
    )  # fmt: skip
    proof = GateApproval(
        image="scipy-ml-notebook", digest=digest(f"scipy-ml-notebook {new}"), verdict=digest("verdict"),
        outcome="passed", tried="2026-11-24T10:00:00+00:00",
    )  # fmt: skip
    record = PromotionRecord(
        kind=Kind.PROMOTION, number=number, at=at, source=new, commit=new.partition("-")[2], moves=moves, proof=proof
    )
    return msgspec.structs.replace(record, **fields)


def stacks_of(*extra: Package) -> Mapping[str, DescribedStack]:
    return {
        TAGS[0]: described(TAGS[0], "2.1.0"),
        TAGS[1]: described(TAGS[1], "2.2.0", dplyr="1.0.9", extra=extra),
        TAGS[2]: described(TAGS[2], "2.3.0", extra=extra),
    }


def sample(*extra: Package) -> WikiInput:
    """Return a wiki: a is stable, b is promoted, and rolled back; c is only published. b and c have more packages."""
    a, b, c = TAGS
    known = stacks_of(*extra)
    first = promotion(1, "2026-11-20T09:00:00+00:00", None, a)
    second = promotion(2, "2026-11-24T09:30:00+00:00", a, b, proof=GateApproval(override_reason="no GPU until Friday"))
    back = promotion(3, "2026-11-25T16:05:00+00:00", b, a, kind=Kind.ROLLBACK, restores=1, proof=None, commit="")
    now = back.new(STABLE)
    stable = StableStack(
        timeline=read_timeline([first, second, back], STABLE, now),
        contents=msgspec.structs.replace(known[a], name=STABLE),
        run=run(a, "2026-11-19T20:00:00+00:00"),
        differences={second.id: compare_stacks(known[a], known[b]), back.id: compare_stacks(known[b], known[a])},
    )
    runs = [
        run(c, "2026-11-26T03:00:00+00:00"),
        run(b, "2026-11-23T20:00:00+00:00"),
        run(a, "2026-11-19T20:00:00+00:00"),
    ]
    published = tuple(RecordedStack(run=one, contents=known[one.tag]) for one in runs)
    needs = {"datascience-notebook": ("base-notebook",), "r-notebook": ("base-notebook",),
             "scipy-ml-notebook": ("datascience-notebook", "r-notebook")}  # fmt: skip
    return WikiInput(
        versions=(Version(name="2026.4", stable=stable, published=published),),
        tags=TagLayout(registry=REGISTRY),
        dependencies=recorded_dependencies(runs[0], PARENTS, needs),
        bases=runs[0].by_name["base-notebook"].bases,
    )


def with_published(count: int) -> WikiInput:
    """Return the sample with its newest published stacks only, so many."""
    whole = sample()
    versions = [msgspec.structs.replace(one, published=one.published[:count]) for one in whole.versions]
    return msgspec.structs.replace(whole, versions=tuple(versions))
