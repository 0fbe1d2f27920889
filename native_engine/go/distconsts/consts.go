// Package distconsts names where the engine finds its own pieces.
//
// The engine runs in a mount namespace in which the kit's folder (--prefix) is bound to /run/dagger, so these paths are
// the same for every prefix and one build of the binaries serves all of them.
package distconsts

const (
	AlpineVersion = "3.22.1"
	AlpineImage   = "alpine:" + AlpineVersion
	GolangImage   = "golang:1.26-alpine"
	BusyboxImage  = "busybox:1.37.0-musl"

	RuncPath                         = "/usr/sbin/runc"
	DaggerInitPath                   = "/run/dagger/bin/dagger-init"
	DefaultEngineSockAddr            = "unix:///run/dagger/engine.sock"
	EngineContainerBuiltinContentDir = "/run/dagger/content"
	EngineContainerName              = "dagger-engine"
	EngineDefaultStateDir            = "/run/dagger/state"

	// Nothing is ever put there: the engine runs update-ca-certificates around every exec where this folder holds a
	// certificate (1.4 s each instead of 0.08 s). The base images that the kit makes trust what the machine trusts.
	EngineCustomCACertsDir = "/run/dagger/ca-certificates"

	GoSDKManifestDigestEnvName         = "DAGGER_GO_SDK_MANIFEST_DIGEST"
	PythonSDKManifestDigestEnvName     = "DAGGER_PYTHON_SDK_MANIFEST_DIGEST"
	TypescriptSDKManifestDigestEnvName = "DAGGER_TYPESCRIPT_SDK_MANIFEST_DIGEST"

	OCIVersionAnnotation = "org.opencontainers.image.version"
)
