"""An image with everything that a description can have."""

from ci.contents.model import ImageConfig, System
from ci.reports.contents import DescribedImage
from tests.unit.contents.samples import contents, kernel, layer, package

NUMPY = package("pip:numpy=2.1.0", location="/opt/venv", size=60_000_000, license="BSD-3-Clause")
DPLYR = package("R:dplyr=1.1-2", location="/usr/lib/R/site-library", size=2_000_000, owner="apt:r-cran-dplyr")
R_NOTEBOOK = DescribedImage(
    contents=contents(
        "r-notebook",
        NUMPY,
        DPLYR,
        package("apt:r-cran-dplyr=1.1.2-1", size=2_100_000),
        digest=f"sha256:{'9f' * 32}",
        system=System(os_name="Debian 12.15", versions={"OS": "Debian 12.15", "Python": "3.11.2", "R": "4.2.2"}),
        config=ImageConfig(user="jovyan", environment={"LANG": "C.UTF-8", "JUPYTER_TOKEN": "hunter2"}),
        kernels=(kernel("python3"), kernel("ir", "R")),
        layers=(layer("sha256:a", 100, "FROM debian:bookworm-slim"),
                layer("sha256:b", 50, "RUN apt-get \\\n install r", "r-notebook")),
        size=1_100_000_000,
        compressed_size=398_000_000,
        unread=("its rpm database (/var/lib/rpm) is not read",),
        problems=("/opt/x/METADATA has no version",),
    ),
    reference=f"docker.io/ucsdets/r-notebook@sha256:{'9f' * 32}",
    parent="base",
    origins={NUMPY: "base"},
    notes=("published as 2026.4-a1239ab",),
)  # fmt: skip
