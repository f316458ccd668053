# shellcheck shell=bash
# Builds through the CMake presets. CMake itself bounds the compiler jobs by cores and memory.

presets() { sed -n '/"buildPresets"/,$s/.*{"name": "\([a-z]*\)".*/\1/p' CMakePresets.json; }

check_preset() {
  presets | grep -qxF -- "$1" || die "no preset '$1'; there are: $(presets | tr '\n' ' ')"
}

configure_and_build() {
  local preset=$1
  shift
  # A second configure run is cheap but not free: ninja runs CMake again by itself when a CMake file changed.
  if [ ! -e "build/$preset/build.ninja" ]; then
    say "configuring build/$preset"
    cmake --preset "$preset" >&2 || die "CMake could not configure preset $preset (see above)"
  fi
  cmake --build "build/$preset" ${1:+--target "$@"} >&2 || die "the build of preset $preset failed (see above)"
}

# build_preset PRESET [TARGET...]
build_preset() {
  local preset=$1
  check_preset "$preset"
  if [ "${AGW_NO_BUILD:-}" = 1 ]; then
    [ -e "build/$preset/build.ninja" ] || die "AGW_NO_BUILD=1, but build/$preset is not there"
    return 0
  fi
  say "building preset $preset"
  locked "build-$preset" configure_and_build "$@"
}

# clang 14 does not compile all coroutines of the executor: only the fuzz targets and what they need.
build_fuzz() {
  setup_clang
  build_preset fuzz tests/fuzz/all
}

cmd_build() {
  local preset=${1:-dev}
  [ $# -le 1 ] || die "build takes one preset"
  if [ "$preset" = fuzz ]; then
    build_fuzz
  else
    locked setup install_packages tools/dev/debian-packages.txt
    build_preset "$preset"
  fi
  say "built: build/$preset"
}
