# shellcheck shell=bash
# ./dev test: builds, then runs the suites one after the other and sums up.

all_suites=(unit edge integration e2e compat)

# run_unit_programs REPORTS [CTEST_OPTION...]: GoogleTest programs through ctest. GoogleTest's own XML has the cases;
# ctest's has a program that crashed.
run_unit_programs() {
  local reports=$1
  shift
  mkdir -p "$reports/unit"
  GTEST_OUTPUT="xml:$reports/unit/" ctest --test-dir "build/$AGW_PRESET" -L unit --output-on-failure \
    --no-tests=error -j "$(nproc)" --output-junit "$reports/unit.ctest.xml" "$@"
}

# run_pytest REPORT FOLDER [ARG...]; pytest's status 5 (nothing selected) is fine when --item selects.
# langsmith comes with a client of the tests; its plugin would only make every start slower.
run_pytest() {
  local report=$1 folder=$2 status=0
  shift 2
  .venv/bin/python -B -m pytest "$folder" -p no:cacheprovider -p no:langsmith_plugin --junitxml="$report" "$@" || status=$?
  if [ "$status" -eq 5 ] && [ "$#" -gt 0 ]; then status=0; fi
  return "$status"
}

run_suite() {
  local suite=$1 reports=$2 item=$3 status=0
  local selection=()
  [ -z "$item" ] || selection=(--item "$item")
  printf '\n== %s ==\n' "$suite"
  if [ "$suite" = unit ]; then
    if [ -z "$item" ]; then
      run_unit_programs "$reports" || status=1
    fi
    run_pytest "$reports/layering.xml" tests/layering "${selection[@]}" || status=1
  else
    run_pytest "$reports/$suite.xml" "tests/$suite" "${selection[@]}" || status=1
  fi
  return "$status"
}

# run_more_suites TSAN LLM FRESH [OPTION_OF_FRESH...]: those that are not among the default ones, each in a shell of its own.
run_more_suites() {
  local tsan=$1 llm=$2 fresh=$3 failed=0
  shift 3
  if [ "$tsan" = yes ]; then
    (run_tsan) || failed=1
  fi
  if [ "$llm" = yes ]; then
    (run_llm) || failed=1
  fi
  if [ "$fresh" = yes ]; then
    (run_fresh "$@") || failed=1
  fi
  return "$failed"
}

has_tests() { [ "$1" = unit ] || [ -n "$(find "tests/$1" -name 'test_*.py' -print -quit 2>/dev/null)" ]; }

cmd_test() {
  local suites=() item='' suite tsan=no llm=no fresh=no fresh_options=()
  while [ $# -gt 0 ]; do
    case "$1" in
      --item)
        [ $# -ge 2 ] || die "--item needs an id, e.g. --item S1-36"
        item=$2
        shift
        ;;
      --item=*) item=${1#--item=} ;;
      unit | edge | integration | e2e | compat)
        has_tests "$1" || die "suite $1 has no test in this tree"
        suites+=("$1")
        ;;
      tsan) tsan=yes ;;
      llm) llm=yes ;;
      fresh) fresh=yes ;;
      --keep | --only=*) fresh_options+=("$1") ;;
      --only)
        [ $# -ge 2 ] || die "--only needs a part: run, test or images"
        fresh_options+=("--only=$2")
        shift
        ;;
      *) die "no suite '$1'; there are: ${all_suites[*]} tsan llm fresh" ;;
    esac
    shift
  done
  if [ "$fresh" = no ] && [ "${#fresh_options[@]}" -gt 0 ]; then
    die "--keep and --only belong to the suite fresh"
  fi
  if [ "$tsan$llm$fresh" != nonono ] && [ "${#suites[@]}" -eq 0 ]; then
    [ -z "$item" ] || die "--item selects tests of the other suites, not of tsan, llm and fresh"
    run_more_suites "$tsan" "$llm" "$fresh" "${fresh_options[@]}"
    return
  fi
  if [ "${#suites[@]}" -eq 0 ]; then
    for suite in "${all_suites[@]}"; do
      if has_tests "$suite"; then suites+=("$suite"); fi
    done
  fi

  local no_build=${AGW_NO_BUILD:-}
  export AGW_PRESET=${AGW_PRESET:-asan}
  if [ "${AGW_NO_BUILD:-}" != 1 ]; then
    locked setup setup_everything
  fi
  build_preset "$AGW_PRESET"
  # Tests start stacks through ./dev up: what they need is built by now.
  export AGW_NO_BUILD=1
  export AGW_BUILD_DIR=$AGW_ROOT/build/$AGW_PRESET

  local reports=$AGW_BUILD_DIR/reports failed=0
  rm -rf "$reports"
  mkdir -p "$reports"
  for suite in "${suites[@]}"; do
    run_suite "$suite" "$reports" "$item" || failed=1
  done
  printf '\n== summary (preset %s) ==\n' "$AGW_PRESET"
  .venv/bin/python -B tools/dev/test_summary.py "$reports" || failed=1
  # These build something else.
  AGW_NO_BUILD=$no_build
  run_more_suites "$tsan" "$llm" "$fresh" "${fresh_options[@]}" || failed=1
  return "$failed"
}
