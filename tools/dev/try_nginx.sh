#!/usr/bin/env bash
# Builds nginx and the module from a tree of nginx's sources and loads the one into the other: shows whether the module
# still fits a newer nginx. Then, with --test, runs the edge tests against that pair.
#
#   tools/dev/try_nginx.sh [--test] TREE      TREE: an unpacked release, or a checkout of the repository
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)

run_tests=no
if [ "${1:-}" = --test ]; then
  run_tests=yes
  shift
fi
if [ $# -ne 1 ] || [ ! -d "$1/src/core" ]; then
  echo "usage: tools/dev/try_nginx.sh [--test] TREE (a tree of nginx's sources)" >&2
  exit 2
fi

build=$root/build/other-nginx
rm -rf "$build"
mkdir -p "$build"
cp -r "$1" "$build/tree"
cd "$build/tree"
# A checkout keeps the script in auto/; a release has it at the top.
[ -e configure ] || cp auto/configure configure
./configure --prefix="$build/prefix" --builddir="$build/objs" --with-compat --with-threads \
  --with-http_ssl_module --with-http_v2_module --with-http_realip_module >"$build/configure.log"
make -f "$build/objs/Makefile" -j"$(nproc)" >"$build/make.log" 2>&1 || {
  tail -20 "$build/make.log" >&2
  exit 1
}

cmake -S "$root" -B "$build/module" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DNGINX_SRC_DIR="$build/tree" \
  -DAGW_BUILD_EXECUTOR=OFF -DAGW_BUILD_TESTS=OFF >"$build/cmake.log"
cmake --build "$build/module" --target ngx_http_agent_module
module=$build/module/ngx_module/ngx_http_agent_module.so

mkdir -p "$build/prefix/logs"
printf 'load_module %s;\nevents {}\nhttp { }\n' "$module" >"$build/nginx.conf"
"$build/objs/nginx" -t -c "$build/nginx.conf"
"$build/objs/nginx" -v

if [ "$run_tests" = yes ]; then
  cd "$root"
  mkdir -p "$build/bin"
  ln -s "$build/objs/nginx" "$build/bin/nginx"
  PATH=$build/bin:$PATH AGW_MODULE=$module .venv/bin/python -B -m pytest -q -p no:cacheprovider tests/edge
fi
