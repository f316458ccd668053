"""`./dev test fresh`: README's two commands, and the images, in a Debian root where nobody was before."""

import sys

from fresh.cli import main

if __name__ == "__main__":
    sys.exit(main())
