"""The benches' own code is under test here; what they measure is `./dev bench`'s business."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
for folder in (REPOSITORY, REPOSITORY / "tools" / "dev"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
