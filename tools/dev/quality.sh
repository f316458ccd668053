# shellcheck shell=bash
# format, lint, fuzz, coverage, docs, clean.

# C++ files of the project, one a line.
cpp_files() {
  local folder
  for folder in shared ngx_module executor tests bench examples; do
    [ ! -d "$folder" ] || find "$folder" -name node_modules -prune -o \( -name '*.cpp' -o -name '*.h' \) -print
  done | sort
}

shell_files() { printf '%s\n' dev .ci/run tools/dev/*.sh; }

cmd_format() {
  local mode=(-i)
  case "${1:-}" in
    '') ;;
    --check) mode=(--dry-run -Werror) ;;
    *) die "format takes --check or nothing" ;;
  esac
  setup_clang
  cpp_files | xargs -d '\n' clang-format-14 "${mode[@]}" || die "not formatted as .clang-format says: ./dev format"
}

# A configured build of its own: clang cannot read g++'s precompiled headers. libstdc++ 12 looks for a
# feature macro that clang 14 does not set, though it has the coroutines.
cmd_lint() {
  [ $# -eq 0 ] || die "lint takes no argument"
  setup_clang
  shell_files | xargs -d '\n' shellcheck -x
  /usr/bin/python3 -B tests/layering/check_layers.py
  cmake --preset dev -B build/lint -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
    -DCMAKE_CXX_COMPILER=clang++-14 -DCMAKE_CXX_FLAGS=-D__cpp_impl_coroutine=201902L >&2
  say "clang-tidy over the sources (minutes when it runs the first time)"
  # run-clang-tidy belongs to clang-tools, which is large: xargs does the same.
  sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' build/lint/compile_commands.json | sort -u |
    xargs -d '\n' -n 1 -P "$(nproc)" clang-tidy-14 -p build/lint --quiet 2> >(grep -v ' warnings generated' >&2)
}

cmd_fuzz() {
  local seconds=600 target name
  case "${1:-}" in
    '') ;;
    --smoke) seconds=20 ;;
    *) die "fuzz takes --smoke or nothing" ;;
  esac
  [ -e tests/fuzz/CMakeLists.txt ] || die "there is no fuzz target in this tree (tests/fuzz)"
  build_fuzz
  for target in build/fuzz/tests/fuzz/fuzz_*; do
    if [ ! -f "$target" ] || [ ! -x "$target" ]; then continue; fi
    name=$(basename "$target")
    say "$name for $seconds s"
    # New inputs go to the first folder; the second holds the seeds kept in the tree, when there are some.
    mkdir -p "build/fuzz/corpus/$name" build/fuzz/findings
    local seeds=()
    [ ! -d "tests/fuzz/corpus/${name#fuzz_}" ] || seeds=("tests/fuzz/corpus/${name#fuzz_}")
    "$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 \
      -artifact_prefix="build/fuzz/findings/$name-" "build/fuzz/corpus/$name" "${seeds[@]}"
  done
}

cmd_coverage() {
  [ $# -eq 0 ] || die "coverage takes no argument"
  locked setup install_packages tools/dev/debian-packages.txt tools/dev/debian-packages-coverage.txt
  build_preset coverage
  find build/coverage -name '*.gcda' -delete
  ctest --test-dir build/coverage -L unit --output-on-failure --no-tests=error -j "$(nproc)"
  gcovr --root . --object-directory build/coverage --filter 'shared/' --filter 'executor/' \
    --exclude-throw-branches --print-summary --html-details build/coverage/report.html
  say "report: build/coverage/report.html"
}

cmd_docs() {
  case "${1:-}" in
    '' | --check) ;;
    *) die "docs takes --check or nothing" ;;
  esac
  /usr/bin/python3 -B tools/dev/docs.py "$@"
}

cmd_clean() {
  [ $# -eq 0 ] || die "clean takes no argument"
  local stack
  for stack in .dev/*/stack.json; do
    [ ! -e "$stack" ] || die "a stack is in $(dirname "$stack"): ./dev down --dir $(dirname "$stack")"
  done
  say "removing build .venv .dev tests/node/node_modules"
  rm -rf build .venv .dev tests/node/node_modules
}
