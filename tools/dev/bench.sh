# shellcheck shell=bash
# ./dev bench: builds with the release preset, then measures. The work is done by bench/runner.

cmd_bench() {
  export AGW_PRESET=${AGW_PRESET:-release}
  if [ "${AGW_NO_BUILD:-}" != 1 ]; then
    locked setup setup_stack
    locked setup install_packages tools/dev/debian-packages-bench.txt
  fi
  # shellcheck disable=SC2154  # of stack.sh
  build_preset "$AGW_PRESET" "${stack_targets[@]}" agent_load scan_bench keys_bench snapshot_bench chunk_bench
  PYTHONPATH=tools/dev:. exec .venv/bin/python -B -m bench.runner "$@"
}
