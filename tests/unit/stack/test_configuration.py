from textwrap import dedent

import pytest

from ci.stack.configuration import without_files
from tests.unit.stack.fusions import fused


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        pytest.param("FROM a\nRUN b \\\n # c\n  d\nENV E=1\n", "FROM a\nENV E=1\n", id="over lines"),
        pytest.param("FROM a\nRUN <<B\nENV C=1\nB\nCMD c\n", "FROM a\nCMD c\n", id="heredoc"),
        pytest.param("FROM a AS b\nCOPY . /\nFROM b\nADD c /\nUSER d", "FROM a AS b\nFROM b\nUSER d", id="stages"),
        pytest.param(
            "FROM a AS b\nONBUILD RUN c\nONBUILD ENV D=1\nFROM b\nONBUILD RUN e\n",
            "FROM a AS b\nONBUILD ENV D=1\nFROM b\nONBUILD RUN e\n",
            id="what waits for a stage of the text",
        ),
        pytest.param(
            "FROM a\nWORKDIR /b\nVOLUME /c\n", "FROM a\nWORKDIR /b\nVOLUME /c\n", id="what sets something too"
        ),
    ],
)
def test_what_makes_files_is_left_out(text: str, rest: str) -> None:
    assert without_files(text) == rest


def test_a_fused_text_has_a_configuration() -> None:
    found = fused(
        "b", {"a": "FROM x\nARG A=1\nENV B=$A\nRUN c\n", "b": "FROM y AS z\nRUN d\nFROM a\nCOPY --from=z / /\nCMD e\n"}
    )
    assert found.configuration == dedent(
        """\
        # a: images/a/Dockerfile
        FROM x AS a
        ARG A=1
        ENV B=$A
        ARG A=
        # b: images/b/Dockerfile
        FROM y AS b.z
        FROM a AS b
        CMD e
        """
    )
