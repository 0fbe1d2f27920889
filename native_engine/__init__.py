"""An engine where there is none: finds one, or builds and runs Dagger's own here without a container runtime.

Standard library only: this package runs before anything is installed.
"""
