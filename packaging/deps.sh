#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Installs, from Debian's own packages, what `make`, `make test` and `make demo` need and what is
# missing. Does nothing when nothing is missing, so it is cheap to call each time.
#
#   packaging/deps.sh [--check] [build|test|demo|vm]   (default: build; the others include it)
#
# A package counts as present when it is installed, or when another package (Docker's own
# docker-ce, say) already gives the command that we want from it.
set -euo pipefail

usage() {
	echo "usage: packaging/deps.sh [--check] [build|test|demo|vm]" >&2
	exit 64
}

check=
[ "${1:-}" = --check ] && { check=1; shift; }
what=${1:-build}
[ $# -le 1 ] || usage

# package[:command that makes it unnecessary]
build=(gcc:gcc make:make clang:clang llvm:llvm-strip bpftool:bpftool pkg-config:pkg-config
	libc6-dev libbpf-dev libelf-dev zlib1g-dev libyaml-dev libjansson-dev
	libmnl-dev)
# What the lab (tests/lab) copies into its images and runs in its namespaces.
lab=(docker.io:dockerd wireguard-go:wireguard-go wireguard-tools:wg iptables:iptables
	dnsmasq-base:dnsmasq busybox-static:busybox tini:tini iproute2:ip tcpdump:tcpdump openvpn:openvpn
	curl:curl bind9-dnsutils:dig jq:jq procps:sysctl util-linux:nsenter
	libc-bin:getent musl-tools:musl-gcc openvpn:openvpn openssl:openssl patchelf:patchelf)
tests=(libcmocka-dev libclang-rt-dev liburing-dev cppcheck:cppcheck clang-tidy:clang-tidy
	clang-format:clang-format shellcheck:shellcheck nftables:nft iperf3:iperf3
	socat:socat openssl:openssl iputils-ping:ping python3-minimal:python3
	python3-jsonschema python3-yaml mandoc:mandoc zsh:zsh fish:fish strace:strace
	debootstrap:debootstrap)
# What tests/vm runs a virtual machine with, and copies into it.
vm=(qemu-system-x86:qemu-system-x86_64 cpio:cpio zstd:zstd xz-utils:xz kmod:depmod
	busybox-static:busybox iproute2:ip util-linux:nsenter procps:sysctl jq:jq
	iptables:iptables bind9-dnsutils:dig musl-tools:musl-gcc liburing-dev
	wireguard-tools:wg nftables:nft)

case $what in
build) want=("${build[@]}") ;;
demo) want=("${build[@]}" "${lab[@]}") ;;
vm) want=("${build[@]}" "${vm[@]}") ;;
test) want=("${build[@]}" "${lab[@]}" "${tests[@]}" "${vm[@]}") ;;
*) usage ;;
esac

if ! command -v apt-get dpkg-query > /dev/null; then
	echo "deps: this is not Debian: install by hand what the packages named in $0 hold" >&2
	exit 69
fi

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]
}

PATH=$PATH:/usr/sbin:/sbin
missing=()
for entry in "${want[@]}"; do
	package=${entry%%:*}
	installed "$package" && continue
	[ "$entry" != "${entry#*:}" ] && command -v "${entry#*:}" > /dev/null && continue
	missing+=("$package")
done

if [ ${#missing[@]} -eq 0 ]; then
	echo "deps: all packages for '$what' are there"
	exit 0
fi
echo "deps: missing for '$what': ${missing[*]}"
[ -z "$check" ] || exit 1
if [ "$(id -u)" != 0 ]; then
	echo "deps: installing needs root (run: sudo packaging/deps.sh $what)" >&2
	exit 77
fi

# An installed docker.io would start its daemon at once and at each boot. The lab and the demo run
# an engine of their own in their own namespaces, so the machine's must stay as it was: off.
policy=/usr/sbin/policy-rc.d
saved=
restore() {
	rm -f "$policy"
	[ -z "$saved" ] || mv -f "$saved" "$policy"
}
had_docker=
command -v dockerd > /dev/null && had_docker=1
if [ -e "$policy" ] || [ -L "$policy" ]; then
	saved=$policy.bpfguard-saved
	mv -f "$policy" "$saved"
fi
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
printf '#!/bin/sh\n# made by bpfguard packaging/deps.sh for one apt-get\nexit 101\n' > "$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
echo "deps: apt-get update"
apt-get update -qq
echo "deps: apt-get install ${missing[*]}"
apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" > /dev/null

if [ -z "$had_docker" ] && [ -d /run/systemd/system ] && command -v dockerd > /dev/null; then
	systemctl -q disable docker.service docker.socket containerd.service 2> /dev/null || :
	echo "deps: Docker was installed but not started (systemctl enable --now docker starts it)"
fi
echo "deps: done"
