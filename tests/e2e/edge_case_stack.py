"""A small stack of Dockerfiles that are hard to fuse. REGISTRY_OF_TEST is replaced by the registry of the test."""

BASE_IMAGE = "debian:bookworm-slim"
BASE = r"""# syntax=docker/dockerfile:1
ARG DEBIAN=bookworm-slim
FROM debian:${DEBIAN} AS made
ARG DEBIAN
RUN mkdir /made && echo "$DEBIAN" > /made/debian && chmod 750 /made
FROM debian:${DEBIAN}
ARG GREETING=hello
ENV HOME=/home/jo GREETING_ENV="${GREETING} \$x" UP=..
LABEL org.example.a="1" b="two words"
RUN useradd --uid 1000 --gid 100 --create-home jo
COPY --from=made --chown=1000:100 /made /made
COPY --chown=1000:100 . /context/
COPY --chmod=640 ../../a.txt dir/$UP/dir/b.txt /climbed/
COPY --parents ./dir /parents/
COPY --parents dir/./deep/*.txt /pivot/
COPY --exclude=*.md dir /excluded/
COPY ["name with blanks.txt", "/blanks/"]
ADD d*/*.txt /globbed/
COPY <<EOF dir/b.txt /heredocs/
from a heredoc: $GREETING
EOF
RUN --mount=type=bind,source=dir,target=/m --mount=target=/n --mount=type=cache,target=/cache \
    # a comment

    ls -R /m /n > /mounted; echo "${GREETING}" >> /mounted
WORKDIR /home/jo/work
USER jo
EXPOSE 8888 53/udp
VOLUME /data
STOPSIGNAL SIGINT
SHELL ["/bin/bash", "-c"]
HEALTHCHECK --interval=10s CMD true
ENTRYPOINT ["env"]
CMD ["a"]
"""
ONBUILD = """\
ARG REGISTRY=docker.io/ucsdets
FROM ${REGISTRY}/base:1
ARG GREETING=another
RUN echo "$GREETING" > /tmp/greeted
ONBUILD ARG COURSE=none
ONBUILD COPY . /onbuild/
ONBUILD RUN <<EOF
echo "built for $COURSE, greeting '${GREETING}', by $(id -un)" > /tmp/onbuild
EOF
"""
TOOL = """\
FROM scratch AS Files
COPY bin /bin
FROM files
COPY --from=0 /bin/tool /usr/bin/tool
COPY --from=FILES /bin /copy
"""
# Built one by one, the parents come from the registry in REGISTRY. Fused, its value does not matter.
CHILD = """\
ARG REGISTRY=docker.io/ucsdets
ARG COURSE
ARG BASE=${REGISTRY}/onbuild:1
FROM REGISTRY_OF_TEST/tool:1 AS tool
FROM ${BASE} AS base
ARG COURSE
RUN echo "child of base under an alias: $COURSE" > /tmp/alias
FROM ${BASE}
ARG COURSE
ENV COURSE_ENV=$COURSE
COPY --from=REGISTRY_OF_TEST/tool:1 /usr/bin/tool /usr/local/bin/tool
COPY --from=base /tmp/alias /tmp/alias
COPY --from=1 --chown=jo:users /tmp/onbuild /tmp/onbuild-of-alias
RUN --mount=from=tool,source=/copy,target=/tools ls /tools > /tmp/tools
RUN echo "greeting '${GREETING}' '${GREETING_ENV}' '${COURSE}'" > /tmp/greeting
USER root
ENV PATH=/opt/bin:$PATH
CMD ["b"]
"""
FILES = {
    "images/base/Dockerfile": BASE,
    "images/base/.dockerignore": "*.md\n!dir/keep.md\nsecret\nDockerfile\n",
    "images/base/a.txt": "a of base",
    "images/base/name with blanks.txt": "blanks",
    "images/base/read.md": "ignored",
    "images/base/secret/key": "ignored",
    "images/base/dir/b.txt": "b",
    "images/base/dir/keep.md": "kept",
    "images/base/dir/deep/c.txt": "c",
    "images/tool/Dockerfile": TOOL,
    "images/tool/bin/tool": "#!/bin/sh\n",
    "images/child/Dockerfile": CHILD,
    "images/child/only-of-child.txt": "child",
    "images/onbuild/Dockerfile": ONBUILD,
    "images/stack.toml": (
        '[images.base]\nbuild-args = {GREETING = "good day"}\n'
        "[images.child]\nbuild-args = {COURSE = 'the \"CSE\" 101 $HOME'}\n"
    ),
}
