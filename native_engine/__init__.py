"""Finds a Dagger engine, or builds and runs one on this machine without a container runtime.

Standard library only: this package runs before anything is installed.
"""
