"""Pictures that tests left are read out of the engine, as many and as large as a report shows."""

from pathlib import Path

import pytest
from dagger import dag

from ci.adapters.dagger_engine.pictures import read_pictures

SMALL = b"\x89PNG\r\n\x1a\n\x00\xff small"


@pytest.mark.anyio
@pytest.mark.usefixtures("session")
async def test_wanted_pictures_are_read_with_their_bytes(tmp_path: Path) -> None:
    names = ("test_a[chromium].png", "test_b.png", "sub/test_c.png", "test_large.png", "test_not_wanted.png")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(SMALL + bytes(1000 if "large" in name else 0))
    (tmp_path / "test_a[chromium].html").write_text("the page")
    folders = {"base/base-server": dag.host().directory(str(tmp_path)), "r/r-server": dag.directory()}
    wanted = [f"logs/base/base-server/{name}" for name in (*names[:4], "test_absent.png")]
    wanted.append("logs/r/r-server/test_a.png")

    found = await read_pictures(folders, wanted, most=10, largest=500)

    assert found == dict.fromkeys(wanted[:3], SMALL) | {wanted[3]: b""}
    few = await read_pictures(folders, wanted, most=2, largest=500)
    assert sorted(few) == sorted(found)
    assert sorted(few.values()) == [b"", b"", SMALL, SMALL]
