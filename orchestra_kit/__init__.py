"""Orchestra: tests of multi-step business processes over microservices."""

__version__ = "0.1.0"
__all__ = ["__version__", "load_ipython_extension"]


def load_ipython_extension(ipython: object) -> None:
    """Register Orchestra's magics with a running IPython (`%load_ext orchestra_kit`)."""
    from orchestra_kit.magics import register

    register(ipython)
