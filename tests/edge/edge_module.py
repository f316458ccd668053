"""Which build of the module is under test, and what an nginx that loads it needs around it."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def find_module():
    given = os.environ.get("AGW_MODULE")
    if given:
        return pathlib.Path(given).resolve()
    built = [
        path
        for preset in ("asan", "release", "dev")
        if (path := ROOT / "build" / preset / "ngx_module/ngx_http_agent_module.so").exists()
    ]
    assert built, "no ngx_http_agent_module.so under build/; build it or set AGW_MODULE"
    return max(built, key=lambda path: path.stat().st_mtime)


def sanitizer_environment(module):
    """A sanitised module needs its runtimes loaded before the stock nginx starts."""
    code = module.read_bytes()
    libraries = [name for name in ("libasan.so", "libubsan.so") if name.encode() in code]
    if not libraries:
        return {}
    paths = [
        subprocess.run(["g++", "-print-file-name=" + name], capture_output=True, text=True, check=True).stdout.strip()
        for name in libraries
    ]
    return {
        "LD_PRELOAD": ":".join(paths),
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }
