#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Installs what building and testing xdpfwd needs on Debian 12 or 13. Does nothing when everything is there.
set -euo pipefail

build=(build-essential cmake ninja-build pkg-config clang-19 llvm-19 bpftool libbpf-dev libelf-dev zlib1g-dev
  libmnl-dev libsystemd-dev libspdlog-dev libfmt-dev nlohmann-json3-dev libtomlplusplus-dev libcli11-dev
  libbenchmark-dev scdoc)
run=(iproute2 ethtool)
test=(libgtest-dev libgmock-dev libclang-rt-19-dev clang-tidy-19 clang-format-19 ccache bash-completion zsh
  debhelper fakeroot lintian socat mandoc)

# What xdpfwd-bench measures beside xdpfwd, and what makes its plots into PNG.
bench=(openvswitch-switch dpdk-dev librsvg2-bin fonts-dejavu-core)

usage() {
  echo "usage: $0 [build|test|bench]   what to install for: the main job (default), also the tests, or also the contenders"
}

case "${1:-build}" in
  build) wanted=("${build[@]}" "${run[@]}") ;;
  test) wanted=("${build[@]}" "${run[@]}" "${test[@]}" "${bench[@]}") ;;
  bench) wanted=("${build[@]}" "${run[@]}" "${bench[@]}") ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "$0: these packages are missing: ${missing[*]}; run this as root, or install them" >&2
  exit 1
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >/dev/null
apt-get -q install -y --no-install-recommends "${missing[@]}" >/dev/null
