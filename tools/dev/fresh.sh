# shellcheck shell=bash
# ./dev test fresh: README's two commands in a bare Debian root, and the images. The work is done by tools/dev/fresh.

# The private engine needs the programs alone: what the package adds to the machine's start is taken out again.
install_engine() {
  if command -v dockerd >/dev/null || [ -x /usr/sbin/dockerd ]; then return 0; fi
  install_packages tools/dev/debian-packages-engine.txt
  if [ -d /run/systemd/system ]; then
    as_root systemctl disable --quiet docker.service docker.socket containerd.service >&2
  fi
}

# The doubles that the containers ask, when no root was made in which ./dev run prepared them.
prepare_doubles() {
  export AGW_PRESET=${AGW_PRESET:-release}
  if [ "${AGW_NO_BUILD:-}" != 1 ]; then
    locked setup setup_stack
  fi
  build_preset "$AGW_PRESET" scripted_llm
}

# run_fresh [--keep] [--only=PART]; does not return.
run_fresh() {
  local only='' option
  for option in "$@"; do
    case "$option" in
      --only=run | --only=test | --only=images) only=${option#--only=} ;;
      --only=*) die "no part '${option#--only=}'; there are: run test images" ;;
    esac
  done
  [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
    die "./dev test fresh needs root (or sudo): it makes a Debian root and namespaces"
  locked setup install_packages tools/dev/debian-packages-fresh.txt
  case "$only" in
    '' | images)
      # Not fatal: without an engine the summary says that the images were skipped.
      (locked setup install_engine) || say "there is no Docker Engine"
      ;;
  esac
  [ "$only" != images ] || prepare_doubles
  # Made by the caller, who may not be root.
  local cache=${AGW_FRESH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/agent-gateway/fresh}
  mkdir -p build/fresh "$cache"
  # sudo keeps the environment, with the settings of the caller's package managers; below HOME are more of them.
  local program=(env "AGW_FRESH_CACHE=$cache" "AGW_FRESH_HOME=$HOME" /usr/bin/python3 -B tools/dev/fresh_machine.py "$@")
  if [ "$(id -u)" -eq 0 ]; then
    exec "${program[@]}"
  fi
  exec sudo --preserve-env "${program[@]}"
}
