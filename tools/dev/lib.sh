# shellcheck shell=bash
# Helpers of ./dev. Messages go to stderr: stdout belongs to what a command prints for other programs.

say() { printf 'dev: %s\n' "$*" >&2; }

die() {
  printf 'dev: %s\n' "$*" >&2
  exit 2
}

# Runs a command as root: directly, or through sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root for: $* (no sudo here: run it as root, then start again)"
  fi
}

# One process at a time in a section: locked NAME COMMAND... (the lock ends with this shell's child).
locked() {
  local name=$1
  shift
  mkdir -p .dev
  (
    if ! flock -n 9; then
      say "waiting for another ./dev ($name) in this tree"
      flock 9
    fi
    "$@"
  ) 9>".dev/$name.lock"
}

# The words of a list file, without comments.
list_of() { sed -e 's/#.*//' "$1" | tr -s ' \t' '\n' | sed '/^$/d'; }

hash_of() { cat -- "$@" | sha256sum | cut -c1-64; }
