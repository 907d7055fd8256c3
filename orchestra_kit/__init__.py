"""Orchestra: tests of multi-step business processes over microservices."""

from importlib import import_module

__version__ = "0.1.0"
__all__ = ["__version__", "load_ipython_extension"]


def load_ipython_extension(ipython: object) -> None:
    """Register Orchestra's magics with a running IPython (`%load_ext orchestra_kit`)."""
    # By name: an import here would tie every module of the package to the magics.
    import_module("orchestra_kit.magics").register(ipython)
