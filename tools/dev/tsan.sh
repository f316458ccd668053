# shellcheck shell=bash
# ./dev test tsan: what shares something between threads, under ThreadSanitizer, which has to be silent.

# Folders whose code threads share.
tsan_folders=(config telemetry upstream io mcp ngx_module api)
# Stacks whose configuration changes under load. The edge's module is that of another preset (devstack/services.py).
tsan_stacks=(tests/e2e/test_reload.py tests/e2e/test_reload_files.py)
tsan_edits=30

# A program that ThreadSanitizer reports on exits with 66, and ctest fails. A stack's reports are files, and `down` fails.
run_tsan() {
  export AGW_PRESET=tsan
  if [ "${AGW_NO_BUILD:-}" != 1 ]; then
    locked setup setup_everything || die "set-up failed (see above)"
  fi
  build_preset tsan agent-executor scripted_llm "${tsan_folders[@]/#/unit_}"
  build_preset asan ngx_http_agent_module
  export AGW_NO_BUILD=1
  export AGW_BUILD_DIR=$AGW_ROOT/build/tsan

  local reports=$AGW_BUILD_DIR/reports failed=0 folders
  rm -rf "$reports"
  mkdir -p "$reports/unit"
  folders=$(IFS='|' && printf '%s' "${tsan_folders[*]}")
  printf '\n== unit (%s) ==\n' "${tsan_folders[*]}"
  run_unit_programs "$reports" -R "^unit\.($folders)\$" || failed=1
  printf '\n== e2e (%s) ==\n' "${tsan_stacks[*]}"
  AGW_RELOAD_EDITS=$tsan_edits run_pytest "$reports/e2e.xml" "${tsan_stacks[@]}" || failed=1
  printf '\n== summary (preset tsan) ==\n'
  .venv/bin/python -B tools/dev/test_summary.py "$reports" || failed=1
  return "$failed"
}
