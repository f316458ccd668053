"""README's commands and the images of docker/, proved in a bare Debian root. Standard library only.

report.py       results of the steps, the summary, logs
redact.py       keeps credentials of the machine's settings out of logs
settings.py     what is taken over from this machine, and putting it into a root
apt.py          this machine's apt: settings, and its Debian mirror
packages.py     this machine's pip and npm, proxies, CA certificates, name lookup
base.py         the bare root as a cached tar, by debootstrap
repository.py   the committed state of the repository, cloned
readme.py       the two commands as README.md has them
mounts.py       /proc, /dev and so on, inside namespaces
contained.py    one process tree in namespaces of its own, which ends as a whole
answer.py       what the gateway's answers must look like
commands.py     the steps run, answer, clean stop and tests
engine.py       a private Docker Engine
images.py       the steps images and containers, outer part: namespaces, and what must be gone afterwards
containers.py   the same, inside: builds and runs the images
doubles.py      the programs outside the containers that the sample agents ask
work.py         the folder of a run: made, removed, never with something mounted in it
cli.py          arguments, order of the steps, exit code
"""
