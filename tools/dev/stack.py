"""Starts and stops local stacks: edge, executor and test doubles. Used by ./dev run, up and down."""

import sys

from devstack.cli import main

if __name__ == "__main__":
    sys.exit(main())
