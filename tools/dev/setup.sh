# shellcheck shell=bash
# Installs what is missing. Every step first looks whether there is anything to do, so that a second
# run costs well under two seconds.

# Debian packages of the list files given that are not installed, one a line.
missing_packages() {
  local wanted installed
  wanted=$(for file in "$@"; do list_of "$file"; done | sort -u)
  # dpkg-query fails when it does not know a name; that one then counts as missing.
  # shellcheck disable=SC2086
  installed=$({ dpkg-query -W -f='${db:Status-Status} ${Package}\n' $wanted 2>/dev/null || true; } |
    sed -n 's/^installed //p' | sort -u)
  comm -23 <(printf '%s\n' "$wanted") <(printf '%s\n' "$installed")
}

# Debian starts a service when it installs it. The stack runs its own nginx, and port 80 of this machine
# is none of our business: forbid starts while apt runs, unless the machine has its own rule.
install_without_starting_services() {
  local rule=/usr/sbin/policy-rc.d own_rule=no had_nginx=no status=0
  command -v nginx >/dev/null && had_nginx=yes
  if [ ! -e "$rule" ]; then
    own_rule=yes
    trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
    # shellcheck disable=SC2016
    as_root sh -c 'printf "#!/bin/sh\n# temporary, of ./dev setup\nexit 101\n" >"$1" && chmod 755 "$1"' sh "$rule"
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" \
    </dev/null >&2 || status=$?
  if [ "$own_rule" = yes ]; then
    as_root rm -f "$rule"
    trap - EXIT
  fi
  if [ "$status" -eq 0 ] && [ "$had_nginx" = no ] && [ -d /run/systemd/system ]; then
    as_root systemctl disable --quiet nginx.service >&2
  fi
  return "$status"
}

install_packages() {
  local names missing
  names=$(missing_packages "$@")
  [ -n "$names" ] || return 0
  mapfile -t missing <<<"$names"
  command -v apt-get >/dev/null || die "this is no Debian system: install the packages of tools/dev/debian-packages.txt"
  say "installing Debian packages: ${missing[*]}"
  as_root apt-get update -q </dev/null >&2 || say "apt-get update failed; trying with the lists there are"
  # In a child, because it sets a trap.
  (install_without_starting_services "${missing[@]}") || die "apt-get install failed (see above)"
}

# Python packages of tests/requirements.txt in .venv/, made with Debian's own interpreter.
setup_python() {
  local lock=tests/requirements.txt stamp
  [ -e "$lock" ] || die "$lock is missing"
  stamp=$(/usr/bin/python3 --version)-$(hash_of "$lock")
  if [ -x .venv/bin/python ] && [ "$(cat .venv/agw-stamp 2>/dev/null)" = "$stamp" ]; then
    return 0
  fi
  say "installing Python packages of $lock into .venv"
  /usr/bin/python3 -m venv --clear .venv
  .venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --require-hashes \
    -r "$lock" </dev/null >&2 || die "pip could not install $lock (see above)"
  printf '%s\n' "$stamp" >.venv/agw-stamp
}

# npm of Debian drags in hundreds of packages: only where no npm is there already.
setup_npm() {
  command -v npm >/dev/null && return 0
  local list
  list=$(mktemp)
  echo "nodejs npm" >"$list"
  install_packages "$list"
  rm -f "$list"
}

# Node packages of the test clients; the lock file also brings the Node runtime itself.
setup_node() {
  local dir=tests/node stamp
  [ -e "$dir/package-lock.json" ] || die "$dir/package-lock.json is missing"
  stamp=$(hash_of "$dir/package.json" "$dir/package-lock.json")
  if [ "$(cat "$dir/node_modules/.agw-stamp" 2>/dev/null)" = "$stamp" ]; then
    return 0
  fi
  setup_npm
  say "installing Node packages of $dir/package-lock.json"
  (cd "$dir" && npm ci --no-audit --no-fund --loglevel=error </dev/null >&2) ||
    die "npm could not install $dir (see above)"
  printf '%s\n' "$stamp" >"$dir/node_modules/.agw-stamp"
}

# Prometheus' own checker of metrics, for a test. Out of Debian's package, which is not installed: it would
# bring a server. Without it that test is skipped.
setup_promtool() {
  local target=.dev/tools/promtool work
  if [ -x "$target" ] || command -v promtool >/dev/null; then return 0; fi
  say "fetching promtool out of Debian's package prometheus"
  work=$(mktemp -d)
  if (cd "$work" && apt-get download -q prometheus </dev/null >&2 && dpkg-deb -x prometheus_*.deb .) &&
    mkdir -p .dev/tools && mv "$work/usr/bin/promtool" "$target"; then
    rm -rf "$work"
    return 0
  fi
  rm -rf "$work"
  say "promtool could not be fetched; the test that uses it is skipped"
}

# What the stack itself needs. The Node clients are for tests alone.
setup_stack() {
  install_packages tools/dev/debian-packages.txt
  setup_python
}

setup_everything() {
  setup_stack
  setup_node
  setup_promtool
}

setup_all() {
  [ $# -eq 0 ] || die "setup takes no argument"
  locked setup setup_everything
  say "setup: everything is installed"
}

setup_clang() {
  locked setup install_packages tools/dev/debian-packages.txt tools/dev/debian-packages-clang.txt
}
