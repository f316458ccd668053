# shellcheck shell=bash
# The local stack: edge, executor and test doubles. The work is done by tools/dev/devstack.

stack_targets=(agent-executor ngx_http_agent_module scripted_llm)

prepare_stack() {
  if [ "${AGW_NO_BUILD:-}" != 1 ]; then
    locked setup setup_stack
  fi
  build_preset "$AGW_PRESET" "${stack_targets[@]}"
}

devstack() { exec .venv/bin/python -B tools/dev/stack.py "$@"; }

cmd_run() {
  export AGW_PRESET=${AGW_PRESET:-release}
  prepare_stack
  devstack run "$@"
}

cmd_up() {
  export AGW_PRESET=${AGW_PRESET:-release}
  prepare_stack
  devstack up "$@"
}

# Needs nothing but an interpreter: it must work after a crash, and after ./dev clean.
cmd_down() { exec /usr/bin/python3 -B tools/dev/stack.py down "$@"; }
