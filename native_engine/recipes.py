"""Packages, flags and patches of the native engine: each change of a value runs the steps that use it again."""

import platform

from native_engine import versions

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Debian package -> a file that exists if it is installed.
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
REGISTRY_PACKAGE = (
    "docker-registry"  # unpacked, not installed: installed, it would start a service on the mirror's port
)

PROGRAMS = {"dagger": "dagger", "dnsname": "dnsname", "engine": "dagger-engine", "init": "dagger-init"}
VERSION_PACKAGE = "github.com/dagger/dagger/engine"
BUILD_FLAGS = (
    "-trimpath",  # so that all prefixes and checkouts share the build cache
    "-tags=dfexcludepatterns,dfparents",
    f"-ldflags=-s -w -X {VERSION_PACKAGE}.Version=v{versions.ENGINE} -X {VERSION_PACKAGE}.Tag=v{versions.ENGINE}",
)

PLAIN_FRONTEND = "github.com/dagger/dagger/dagql/idtui/frontend_plain.go"
LOGS_FRONTEND = "github.com/dagger/dagger/dagql/idtui/frontend_logs.go"
LOGGED_STDOUT = "state.procInfo.Stdout = nopCloser{io.MultiWriter(stdio.Stdout, state.procInfo.Stdout)}"
PARSE_INTERACTIVE = "parsedCommand, err := shlex.Split(interactiveCommand)"
FAIL = "fmt.Fprintln(stderr, rootCmd.ErrPrefix(), err); exitWithCode(1)"
PRINT_ERROR = "cmd.PrintErrln(cmd.ErrPrefix(), rerr.Error())"
HIDDEN_LOGS = "if p.Encapsulate || !s.opts.ShouldShow(s.db, p) {"
NO_SHELL = 'fmt.Errorf("running shell without the TUI is not supported")'

# Patches of vendored sources: file, original text, replacement.
PATCHES = (
    # Without this, a client whose engine was killed waits for it indefinitely; now it fails after six seconds.
    (
        "github.com/vito/go-sse/sse/event_source.go",
        "\t\tRetryInterval: defaultRetryInterval,\n",
        "\t\tRetryInterval: defaultRetryInterval, MaxRetries: 5,\n",
    ),
    # On shutdown, the server inside a Dang module waits for connections that were opened but never used, and Go closes
    # these after five seconds only: every third call of a changed module took that much longer.
    (
        "github.com/dagger/dagger/core/sdk/dang/shared/shared.go",
        "context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)",
        "context.WithTimeout(context.WithoutCancel(ctx), 50*time.Millisecond)",
    ),
    # On shutdown, engine and clients wait for each other indefinitely; now the engine disconnects them after 5 s.
    (
        "github.com/dagger/dagger/cmd/engine/main.go",
        "httpServer.Shutdown(context.WithoutCancel(stopCtx))",
        "cutOffAfter(httpServer, 5*time.Second)",
    ),
    ("github.com/dagger/dagger/cmd/engine/main.go", "grpcServer.GracefulStop()", "grpcServer.Stop()"),
    # Only the TUI opens shells, and its library is a stub here: the plain and the logs frontend open them too, keep
    # their own text until the shell has ended, and see to it that no call ends with the terminal in raw mode.
    (PLAIN_FRONTEND, NO_SHELL, "runShell(cmd)"),
    (PLAIN_FRONTEND, "NewOutput(w)", "NewOutput(besideShell(w))"),
    (PLAIN_FRONTEND, "cleanup, runErr := run(ctx)\n", "cleanup, runErr := run(ctx)\n\tendShell()\n"),
    (LOGS_FRONTEND, NO_SHELL, "runShell(cmd)"),
    (LOGS_FRONTEND, "NewOutput(output, ", "NewOutput(besideShell(output), "),
    (LOGS_FRONTEND, "cleanup, runErr := f(ctx)\n", "cleanup, runErr := f(ctx)\n\tendShell()\n"),
    (
        "github.com/dagger/dagger/cmd/dagger/main.go",
        PARSE_INTERACTIVE,
        f"if err := idtui.NeedTerminal(); interactive && err != nil {{ {FAIL} }}\n\t{PARSE_INTERACTIVE}",
    ),
    # With -v, the output of commands is shown as it comes; without, what is below work that hides the engine's calls.
    (
        "github.com/dagger/dagger/dagql/idtui/frontend_streaming_logs.go",
        HIDDEN_LOGS,
        f"if s.opts.Verbosity > dagui.ShowCompletedVerbosity {{ break }}; {HIDDEN_LOGS}",
    ),
    # An error's text ends with the numbers of a trace, which say nothing to its reader.
    (
        "github.com/dagger/dagger/cmd/dagger/functions.go",
        PRINT_ERROR,
        PRINT_ERROR.replace("rerr.Error()", "idtui.ErrorText(rerr)"),
    ),
    # A frontend would print what a shell has printed on its terminal a second time, as the log of its process.
    (
        "github.com/dagger/dagger/engine/engineutil/executor_spec.go",
        LOGGED_STDOUT,
        f"if !state.procInfo.Meta.Tty {{ {LOGGED_STDOUT} }}",
    ),
)

# The engine starts dnsmasq on all addresses of the machine, which fails beside another DNS server: bind only its own.
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

# The default keeps 20 % of the disk free: on a fuller disk the engine deletes everything unused after each client, and
# builds start cold for no visible reason.
GC_POLICY = {"minFreeSpace": "4GB", "reservedSpace": "4GB", "maxUsedSpace": "75%"}
# The engine allocates much and keeps little: collecting garbage less often makes a warm call 25 % faster.
ENGINE_ENVIRONMENT = {"GOGC": "400"}
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
