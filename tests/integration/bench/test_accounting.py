"""CPU, memory and descriptors as the kernel accounts for them."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench.runner import cpu
from bench.runner.errors import BenchError

# Burns CPU in a child of its own until that child has used 0.4 s, says so, and waits.
BURN = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c",
    "import time, sys\\nwhile time.process_time() < 0.4: pass\\nprint('burnt', flush=True)\\nsys.stdin.read()"],
    stdin=subprocess.PIPE)
sys.stdin.read()
child.stdin.close()
child.wait()
"""


@pytest.fixture
def burner() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == "burnt\n"
    yield process
    process.stdin.close()
    process.wait(30)
    process.stdout.close()


def test_the_cpu_of_children_counts(burner: subprocess.Popen[str]) -> None:
    assert len(cpu.tree([burner.pid])) == 2
    # The child's own clock said 0.4 s; both interpreters needed some to start.
    assert 0.4 <= cpu.seconds([burner.pid]) < 2
    assert cpu.seconds([burner.pid]) == pytest.approx(cpu.seconds([burner.pid]), abs=0.05)


def test_memory_and_descriptors_are_those_of_the_group(burner: subprocess.Popen[str]) -> None:
    both, alone = cpu.memory([burner.pid]), cpu.memory(cpu.children(burner.pid))
    assert both.rss > alone.rss > alone.private > 0
    assert cpu.descriptors([os.getpid()]) >= len(os.listdir(f"/proc/{burner.pid}/fd"))


def test_a_process_that_has_ended_is_an_error() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait(10)
    with pytest.raises(BenchError, match="ended while it was measured"):
        cpu.seconds([ended.pid])
