"""What the native engine is made of: lists and flags, whose every change makes the step that uses them run again."""

import platform

from native_engine import versions

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Debian package -> a file that shows it is there.
PACKAGES = {
    "ca-certificates": "/usr/sbin/update-ca-certificates",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "dnsmasq-base": "/usr/sbin/dnsmasq",
    "git": "/usr/bin/git",
    "iproute2": "/usr/bin/ip",
    "iptables": "/usr/sbin/iptables",
    "mmdebstrap": "/usr/bin/mmdebstrap",
    "pigz": "/usr/bin/pigz",  # the engine unpacks layers with it, on all cores
    "ripgrep": "/usr/bin/rg",  # Directory.search
    "runc": "/usr/sbin/runc",
    "util-linux": "/usr/bin/unshare",
}
REGISTRY_PACKAGE = "docker-registry"  # only unpacked: installed, it would start a service on the mirror's port

PROGRAMS = {"dagger": "dagger", "dnsname": "dnsname", "engine": "dagger-engine", "init": "dagger-init"}
STAMPED = "github.com/dagger/dagger/engine"
BUILD_FLAGS = (
    "-trimpath",  # the build cache then serves every prefix and checkout
    "-tags=dfexcludepatterns,dfparents",
    f"-ldflags=-s -w -X {STAMPED}.Version=v{versions.ENGINE} -X {STAMPED}.Tag=v{versions.ENGINE}",
)

# Changes to vendored sources: file, text there, text instead.
PATCHES = (
    # A client whose engine was killed would wait for it for ever; now it gives up after some seconds.
    (
        "github.com/vito/go-sse/sse/event_source.go",
        "\t\tRetryInterval: defaultRetryInterval,\n",
        "\t\tRetryInterval: defaultRetryInterval, MaxRetries: 5,\n",
    ),
    # The server that a Dang module has for itself waits at its end for connections that were opened and not used, which
    # Go closes only after five seconds: every third call of a changed module took those longer.
    (
        "github.com/dagger/dagger/core/sdk/dang/shared/shared.go",
        "context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)",
        "context.WithTimeout(context.WithoutCancel(ctx), 50*time.Millisecond)",
    ),
    # An engine that is to end waits for its clients for ever, and they for it; now it cuts them off after five seconds.
    (
        "github.com/dagger/dagger/cmd/engine/main.go",
        "httpServer.Shutdown(context.WithoutCancel(stopCtx))",
        "cutOffAfter(httpServer, 5*time.Second)",
    ),
    ("github.com/dagger/dagger/cmd/engine/main.go", "grpcServer.GracefulStop()", "grpcServer.Stop()"),
)

# The engine starts its DNS server on all addresses of the machine, where another may be: it must keep to its own.
DNSMASQ = '#!/bin/sh\nexec /usr/sbin/dnsmasq --bind-dynamic "$@"\n'

ROOTFS_OPTIONS = (
    "--quiet",
    "--variant=minbase",
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-include=/usr/share/locale/locale.alias",
    '--aptopt=Acquire::Languages "none"',
    '--aptopt=APT::AutoRemove::SuggestsImportant "false"',
)
BASE_PACKAGES = ("ca-certificates", "netbase", "tzdata", "usr-is-merged")
MODULE_PACKAGES = ("ca-certificates", "git", "python3", "usr-is-merged")
MODULE_REQUIREMENTS = (f"dagger-io=={versions.ENGINE}",)
TAR = ("tar", "--sort=name", "--numeric-owner")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

# The default keeps 20 % of the disk free: on a fuller disk it drops all that is unused after each client, and builds
# run cold for no visible reason.
GARBAGE = {"minFreeSpace": "4GB", "reservedSpace": "4GB", "maxUsedSpace": "75%"}
# The engine allocates much and keeps little: collecting less often makes a warm call a quarter faster.
ENGINE_ENVIRONMENT = {"GOGC": "400"}
PASSED_ON = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
