"""What a run gives to builds on the command line: build args, secrets, an SSH agent, proxies; and the chosen stage."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Call, MakeTree

BASE = """\
# syntax=mirror.gcr.io/docker/dockerfile:1
ARG RELEASE
FROM debian:${RELEASE}
ARG GREETING=none
RUN echo "greeting $GREETING"
RUN echo "proxies $HTTP_PROXY $http_proxy"; env | grep -ic proxy; true
RUN --mount=type=secret,id=optional test ! -e /run/secrets/optional && echo "nothing optional"
"""
FILES = {
    "images/base/Dockerfile": BASE,
    "images/kid/Dockerfile": "FROM base AS wanted\nRUN echo chosen | tee /chosen\nFROM base\nRUN exit 1\n",
    "images/stack.toml": '[images.kid]\ntarget = "wanted"\n',
}
RUN = ("--build-arg", "RELEASE=bookworm-slim", "--build-arg", '"GREETING=hi, you"')
PROXY = "http://proxy.example:3128"
INSPECT = "sh,-c,env; cat /chosen; ls -A /run /root; cat /run/secrets/* /root/.npmrc; echo token $TOKEN"


def log(report: Path, image: str) -> str:
    return (report / f"logs/{image}/build.log").read_text()


def test_a_run_has_build_args_a_proxy_and_a_target(call: Call, tree: MakeTree, tmp_path: Path) -> None:
    source = tree(FILES)
    refused = call("--source", source, "plan")
    assert refused.returncode == 1
    assert '[build-args]\n    RELEASE = ""  # images/base/Dockerfile:2' in refused.stderr

    proxy = ("--build-arg", f"HTTP_PROXY={PROXY}")
    keys = [re.findall(r'"key": "(\w+)"', call("--source", source, "plan", *words, "--as-json").stdout)
            for words in (RUN, (*RUN, *proxy), (*RUN[:2], "--build-arg", "GREETING=x"))]  # fmt: skip
    assert len(keys[0]) == 2
    assert keys[0] == keys[1]
    assert not {*keys[0]} & {*keys[2]}

    report = tmp_path / "report"
    done = call("--source", source, "build-report", *RUN, *proxy, "-o", report)
    assert (report / "exit-code").read_text() == "0\n", done.stderr
    assert "greeting hi, you\n" in log(report, "base")
    assert f"proxies {PROXY} {PROXY}\n2\n" in log(report, "base")
    assert "nothing optional\n" in log(report, "base")
    assert "chosen\n" in log(report, "kid")

    inside = call("--source", source, "image", "--name", "kid", *RUN, *proxy, "with-exec", "--args", INSPECT, "stdout")
    assert "chosen\n" in inside.stdout
    assert "proxy.example" not in inside.stdout


MOUNTS = """\
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc,required wc -c < /root/.npmrc; cat /root/.npmrc
RUN --mount=type=secret,id=tok-en,env=TOKEN,required echo ${#TOKEN} $TOKEN
"""
GIVEN = ("--build-secret-id", "npmrc,tok-en", "--build-secret", "env:npmrc,env:TOKEN_FOR_TESTS")


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    """A value that no other run has seen, in the variables that GIVEN refers to."""
    value = f"s3cret-{os.urandom(8).hex()}"
    monkeypatch.setenv("npmrc", value)
    monkeypatch.setenv("TOKEN_FOR_TESTS", f"{value}-token")
    return value


def test_the_secrets_that_a_build_requires_are_asked_for_at_once(call: Call, tree: MakeTree) -> None:
    refused = call("--source", tree({**FILES, "images/base/Dockerfile": BASE + MOUNTS}), "plan", *RUN)
    assert refused.returncode == 1
    assert "images/base/Dockerfile:8: RUN --mount=type=secret,id=npmrc," in refused.stderr
    assert "--build-secret env:npmrc\n" in refused.stderr
    assert "images/base/Dockerfile:9: RUN --mount=type=secret,id=tok-en,env=TOKEN,required: " in refused.stderr
    assert "--build-secret-id tok-en --build-secret env:NAME" in refused.stderr


def test_a_secret_is_in_no_output_and_not_in_the_image(call: Call, tree: MakeTree, tmp_path: Path, secret: str) -> None:
    source, report = tree({**FILES, "images/base/Dockerfile": BASE + MOUNTS}), tmp_path / "report"
    done = call("--source", source, "build-report", *RUN, *GIVEN, "-o", report)
    assert (report / "exit-code").read_text() == "0\n", done.stderr
    assert f"{len(secret)}\n***" in log(report, "base")
    assert f"{len(secret) + len('-token')} ***" in log(report, "base")

    words = ("--source", source, "image", "--name", "kid", *RUN, *GIVEN)
    inside = call(*words, "with-exec", "--args", INSPECT, "combined-output")
    assert "chosen\n" in inside.stdout, inside.stderr
    # The engine leaves secrets in the container that it returns. The builder takes them out.
    assert re.search(r"token *$", inside.stdout, re.MULTILINE)
    assert "cat: /root/.npmrc: No such file or directory" in inside.stdout
    assert "cat: '/run/secrets/*': No such file or directory" in inside.stdout
    tarball = tmp_path / "kid.tar"
    packed = call(*words, "as-tarball", "-o", tarball)
    assert packed.returncode == 0, packed.stderr
    unpack = "tar -xf $0 && cd blobs/sha256 && for blob in *; do zcat -f $blob; done"
    content = subprocess.run(["sh", "-c", unpack, tarball], cwd=tmp_path, check=True, capture_output=True).stdout
    assert b"chosen" in content
    texts = [*(text for run in (done, inside, packed) for text in (run.stdout, run.stderr)), content.decode("latin-1")]
    texts.extend(path.read_text(errors="replace") for path in report.rglob("*") if path.is_file())
    assert not [text[:80] for text in texts if secret in text]


def test_secrets_are_told_apart_by_their_names(call: Call, tree: MakeTree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("one", "the-same")
    monkeypatch.setenv("two", "the-same")
    source = tree({"images/a/Dockerfile": "FROM debian:bookworm-slim\nRUN --mount=type=secret,id=one x\n"})
    for words, problem in {
        ("--build-secret", "env:one,env:two"): "Two --build-secret have the same value: Dagger takes them for one.",
        ("--build-secret", "env:two"): "--build-secret two: no RUN --mount=type=secret has this id.",
        ("--build-secret", "env:none_of_these"): "The engine could not read --build-secret",
    }.items():
        done = call("--source", source, "plan", *words)
        assert done.returncode == 1
        assert problem in done.stderr


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """An SSH agent with one key."""
    key, socket = tmp_path / "key", tmp_path / "agent.sock"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "key-of-a-test", "-f", key], check=True)
    running = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    running.stdout.readline()
    environment = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
    subprocess.run(["ssh-add", "-q", key], check=True, env=environment)
    yield socket
    running.terminate()
    running.wait()
    running.stdout.close()


# Asks the agent for its keys (SSH_AGENTC_REQUEST_IDENTITIES) without an SSH client in the image.
ASK = (
    "perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new($ENV{SSH_AUTH_SOCK}) or die $!; "
    'syswrite $s, pack("NC", 1, 11); sysread $s, $a, 9999; print $a =~ /key-of-a-test/ ? "has the key" : "no key"\''
)


def test_a_run_has_an_ssh_agent(call: Call, tree: MakeTree, agent: Path, tmp_path: Path) -> None:
    text = f"FROM debian:bookworm-slim\nRUN --mount=type=ssh,required {ASK}\n"
    source = tree({"images/a/Dockerfile": text})
    refused = call("--source", source, "plan")
    assert "images/a/Dockerfile:2: RUN --mount=type=ssh,required: an SSH agent is required" in refused.stderr
    report = tmp_path / "report"
    done = call("--source", source, "build-report", "--build-ssh", agent, "-o", report)
    assert (report / "exit-code").read_text() == "0\n", done.stderr
    assert "has the key" in log(report, "a")
    words = ("image", "--name", "a", "--build-ssh", agent, "env-variables", "name")
    assert "SSH_AUTH_SOCK" not in call("--source", source, *words).stdout
