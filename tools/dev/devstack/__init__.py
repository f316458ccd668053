"""The local stack of ./dev run, up and down. Standard library only.

procfs.py       what /proc says of a process
record.py       what was started, on disk, so that a crash loses nothing
process.py      start and stop one child
credentials.py  CA, certificate, edge secret, API keys
edge_conf.py    conf/nginx.conf rewritten for a folder and a port
services.py     the programs of a stack and their order
ready.py        asks whether they are ready
folder.py       D itself: its lock, and emptying it
real_llm.py     what --llm means
stack.py        a whole stack: start, wait until ready, stop
cli.py          arguments, banner, exit codes
"""
