"""Mounts of a process tree with its own namespaces. All of them vanish with it; none is seen outside."""

import ctypes
import fcntl
import os
import socket
import stat
import struct
import subprocess
from pathlib import Path

# Character devices that every program may read and write: name -> major and minor number.
NODES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
LINKS = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
TIMEOUT_S = 30

NEW_MOUNTS = 0x00020000
NEW_HOST_NAME = 0x04000000
NEW_IPC = 0x08000000
NEW_PIDS = 0x20000000
NEW_NETWORK = 0x40000000

SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def unshare(flags: int) -> None:
    """os.unshare of later Pythons. A new process number space holds for the next child only."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise OSError(f"mount {' '.join(arguments)}: {done.stderr.strip()}")


def keep_private() -> None:
    mount("--make-rprivate", "/")


def fill_root(root: Path) -> None:
    """What a Debian root expects of the system around it. Its / becomes a mount, as it is everywhere: programs in there
    may make namespaces of their own."""
    mount("--bind", str(root), str(root))
    mount("-t", "proc", "-o", "nosuid,nodev,noexec", "proc", f"{root}/proc")
    mount("-t", "sysfs", "-o", "ro,nosuid,nodev,noexec", "sysfs", f"{root}/sys")
    mount("-t", "tmpfs", "-o", "mode=755,nosuid", "tmpfs", f"{root}/dev")
    mount("-t", "tmpfs", "-o", "mode=755,nosuid,nodev", "tmpfs", f"{root}/run")
    device = root / "dev"
    for name, (major, minor) in NODES.items():
        _make_node(device / name, major, minor)
    for folder in ("pts", "shm"):
        (device / folder).mkdir()
    mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620,gid=5", "devpts", str(device / "pts"))
    mount("-t", "tmpfs", "-o", "mode=1777,nosuid,nodev", "tmpfs", str(device / "shm"))
    for name, target in LINKS.items():
        (device / name).symlink_to(target)


def _make_node(path: Path, major: int, minor: int) -> None:
    """Made anew with the rights that Debian gives it; where that is forbidden, this machine's own is lent."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        path.chmod(0o666)  # whatever the umask
    except PermissionError:
        path.touch()
        mount("--bind", f"/dev/{path.name}", str(path))


def loopback_up() -> None:
    """A new network has lo, but down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))
