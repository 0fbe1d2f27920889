"""The module `datahub`: a stack of container images, from Dockerfiles to a promoted tag."""
