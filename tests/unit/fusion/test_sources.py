import pytest

from tests.unit.fusion.sample_stacks import child, lines


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("COPY a b /c/", "COPY child/a child/b /c/", id="several"),
        pytest.param("COPY . /c", "COPY child/ /c", id="the whole context"),
        pytest.param("COPY ./ /a/ ./b/. /c/", "COPY child/ child/a/ child/b/. /c/", id="spellings of folders"),
        pytest.param("COPY /a /c", "COPY child/a /c", id="absolute"),
        pytest.param("COPY ../a ../../b/../c /d/", "COPY child/a child/c /d/", id=".. ends at the root"),
        pytest.param("COPY .. /d/", "COPY child/ /d/", id=".. alone"),
        pytest.param("COPY *.txt **/x[0-9]? /c/", "COPY child/*.txt child/**/x[0-9]? /c/", id="wildcards"),
        pytest.param("COPY ..a b.. /c/", "COPY child/..a child/b.. /c/", id="dots in names"),
        pytest.param('COPY ["a b", "./c", "/d e/"]', 'COPY ["child/a b", "child/c", "/d e/"]', id="JSON"),
        pytest.param('COPY [ "é\\"", \\\n "/d" ]', 'COPY ["child/é\\"", "/d"]', id="JSON over lines"),
        pytest.param("COPY --link --chown=1:2 a b", "COPY --link --chown=1:2 child/a b", id="flags"),
        pytest.param("COPY a \\\n  # why\n  b /c/", "COPY child/a \\\n  # why\n  child/b /c/", id="over lines"),
        pytest.param("copy a b", "copy child/a b", id="lower case"),
        pytest.param(
            "COPY --exclude=*.md a b", "COPY --exclude=*.md child/a b", id="exclude is relative to the source"
        ),
        pytest.param("COPY --parents a/b /c/", "COPY --parents child/./a/b /c/", id="parents"),
        pytest.param("COPY --parents ./a/*/b . /c/", "COPY --parents child/./a/*/b child/./ /c/", id="parents from ."),
        pytest.param("COPY --parents a/./b /c/", "COPY --parents child/a/./b /c/", id="parents with a pivot"),
        pytest.param("COPY --parents /./b/./c /c/", "COPY --parents child/./b/./c /c/", id="pivot at the root"),
        pytest.param("COPY --parents ../a/../b /c/", "COPY --parents child/./b /c/", id="parents with .."),
        pytest.param("COPY --parents a/../../b/./../c /d/", "COPY --parents child/b/./c /d/", id="pivot with .."),
        pytest.param("COPY --parents=false a /c/", "COPY --parents=false child/a /c/", id="no parents"),
        pytest.param("COPY <<EOF /c\nx\nEOF", "COPY <<EOF /c\nx\nEOF", id="heredoc"),
        pytest.param(
            "COPY <<-'A' f <<B /c/\n\tx\n\tA\n./y\nB",
            "COPY <<-'A' child/f <<B /c/\n\tx\n\tA\n./y\nB",
            id="heredocs and file",
        ),
        pytest.param("COPY --from=alpine a ../b /c/", "COPY --from=alpine a ../b /c/", id="from a foreign image"),
        pytest.param("COPY --from=scratch a /c/", "COPY --from=scratch a /c/", id="from scratch"),
        pytest.param("COPY --from= a /c/", "COPY --from= child/a /c/", id="from nothing is from the context"),
        pytest.param(
            "COPY --from=localhost:5000/x/fonts:1 --link a b", "COPY --from=fonts --link a b", id="from an image"
        ),
        pytest.param("ADD a.tar.gz b /c/", "ADD child/a.tar.gz child/b /c/", id="ADD"),
        pytest.param(
            "ADD https://x.org/a b git://x/y.git HTTP://x /c/",
            "ADD https://x.org/a child/b git://x/y.git HTTP://x /c/",
            id="ADD from elsewhere",
        ),
        pytest.param("ADD github.com/x/y /c", "ADD child/github.com/x/y /c", id="a path that looks like a host"),
        pytest.param("ADD ./git@x:y /c", "ADD child/git@x:y /c", id="a path that looks like git"),
    ],
)
def test_sources_move_into_the_folder_of_their_image(before: str, after: str) -> None:
    assert lines(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("ENV D=x\nCOPY $D/a /c", "COPY child/$D/a /c", id="local: the spelling stays"),
        pytest.param("ENV D=/x\nCOPY ${D} /c", "COPY child/${D} /c", id="absolute"),
        pytest.param("ENV D=../x\nCOPY a/$D/b /c", "COPY child/x/b /c", id=".. is written out"),
        pytest.param("ARG D='../x y'\nCOPY a/$D /c", 'COPY ["child/x y", "/c"]', id=".. and a name with blanks"),
        pytest.param("ARG U=https://x.org\nADD $U/a /c", "ADD $U/a /c", id="URL"),
        pytest.param("ARG G=git@x.org:y.git\nADD $G /c", "ADD $G /c", id="git over SSH"),
        pytest.param("ARG G=ssh://x/y.git\nADD $G /c", "ADD $G /c", id="git over SSH as a URL"),
        pytest.param("ARG V=1\nADD https://x.org/$V /c", "ADD https://x.org/$V /c", id="URL with a version"),
        pytest.param(
            "ARG V\nADD https://x.org/$V$W /c", "ADD https://x.org/$V$W /c", id="URL with an unknown variable"
        ),
        pytest.param("COPY $UNKNOWN/a ../$UNKNOWN /c", "COPY child/$UNKNOWN/a child/$UNKNOWN /c", id="unknown"),
        pytest.param("ENV UP=..\nENV D=$UP/x\nCOPY $D/a /c", "COPY child/x/a /c", id="ENV from ENV"),
        pytest.param(
            "ENV D=x UP=..\nENV D=$UP UP=z\nCOPY $D/a /c", "COPY child/a /c", id="ENV sees the variables before it"
        ),
        pytest.param("ENV D ../x\nCOPY $D/a /c", "COPY child/x/a /c", id="ENV without ="),
        pytest.param("ENV D=..\nARG D=x\nCOPY $D/a /c", "COPY child/$D/a /c", id="ARG after ENV"),
        pytest.param("ARG D=..\nENV D=x\nCOPY $D/a /c", "COPY child/$D/a /c", id="ENV after ARG"),
        pytest.param("ARG TARGETARCH\nCOPY ../$TARGETARCH /c", "COPY child/amd64 /c", id="platform"),
        pytest.param("COPY \"./a\" '/b' /c/", "COPY child/\"./a\" child/'/b' /c/", id="quotes stay"),
        pytest.param("COPY --parents $D/./a /c/", "COPY --parents child/$D/./a /c/", id="pivot"),
    ],
)
def test_variables_in_sources(before: str, after: str) -> None:
    assert lines(before).splitlines()[-1] == after


def test_sources_see_the_variables_of_the_parent() -> None:
    base = "FROM scratch AS s\nENV A=.. D=..\nFROM s\nENV B=$A/b\nARG C=../c D=d\n"
    text = child("FROM base\nCOPY $B /b\nCOPY x/$C /c\nCOPY x/$D /d\n", base)
    # An ARG of the parent is empty for its children, but does not hide an ENV.
    assert text == "FROM base AS child\nCOPY child/b /b\nCOPY child/x/$C /c\nCOPY child/ /d\n"
