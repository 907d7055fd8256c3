"""`python -m orchestra_kit.cli`."""

from orchestra_kit.cli import main

main()
