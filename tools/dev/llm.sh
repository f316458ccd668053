# shellcheck shell=bash
# ./dev test llm: the gateway in front of a real model server, llama.cpp's, with a tiny model that the tests make.

llm_venv=.dev/llm-venv
llm_lock=tests/llm/requirements.txt

# Of llama.cpp only what serves text, for any processor of this kind.
llm_cmake_args="-DLLAVA_BUILD=OFF -DGGML_NATIVE=OFF -DGGML_OPENMP=OFF"

# llama-cpp-python comes as sources. It has an environment of its own: nothing else needs any of it.
setup_llm() {
  local stamp
  stamp=$(/usr/bin/python3 --version)-$(hash_of "$llm_lock")
  if [ -x "$llm_venv/bin/python" ] && [ "$(cat "$llm_venv/agw-stamp" 2>/dev/null)" = "$stamp" ]; then
    return 0
  fi
  say "installing $llm_lock into $llm_venv; llama.cpp is compiled, which takes 10 to 30 minutes, this once"
  /usr/bin/python3 -m venv --clear "$llm_venv"
  CMAKE_ARGS=$llm_cmake_args CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)} \
    "$llm_venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --require-hashes \
    -r "$llm_lock" </dev/null >&2 || die "pip could not install $llm_lock (see above)"
  printf '%s\n' "$stamp" >"$llm_venv/agw-stamp"
}

run_llm() {
  export AGW_PRESET=${AGW_PRESET:-asan}
  if [ "${AGW_NO_BUILD:-}" != 1 ]; then
    locked setup setup_everything || die "set-up failed (see above)"
  fi
  # Not a build of ours: also where AGW_NO_BUILD says that all of those are there.
  locked llm-venv setup_llm || die "set-up failed (see above)"
  # shellcheck disable=SC2154  # of stack.sh
  build_preset "$AGW_PRESET" "${stack_targets[@]}"
  export AGW_NO_BUILD=1
  export AGW_BUILD_DIR=$AGW_ROOT/build/$AGW_PRESET
  printf '\n== llm ==\n'
  mkdir -p "$AGW_BUILD_DIR/reports"
  run_pytest "$AGW_BUILD_DIR/reports/llm.xml" tests/llm
}
