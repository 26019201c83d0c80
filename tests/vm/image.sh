# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# What runs in the virtual machine: this machine's own programs with their libraries, the product
# and the tests, as one archive. The kernel's modules are an archive of their own, put behind it.
# Not compressed: unpacking costs the emulated processor more than copying.

# Which, of this machine's programs; busybox (in init) gives what is not here and is not missed.
image_programs=(bash busybox ip tc bridge nsenter unshare findmnt sysctl bpftool jq modprobe find
	sed grep awk head mktemp mkfifo mkdir rm rmdir cat sort date dig iptables iptables-restore
	ip6tables tr wc kill stat wg nft realpath basename dirname tail cut touch chmod chown cp
	sleep timeout env flock)

image_libraries() { # FILE...: the shared objects that they need
	ldd "$@" 2> /dev/null | grep -o '/[^ :)]*' | grep '\.so' | sort -u
}

image_make() { # BUILD LIVE-PROGRAMS ARCHIVE; runs in the top of the tree
	local root=$W/root name path files=()
	mkdir -p "$root"/{bin,etc,proc,sys,dev,tmp,run,usr,var,bpfguard/build,bpfguard/tests/vm}
	for name in sbin usr/bin usr/sbin; do
		ln -s /bin "$root/$name"
	done
	ln -s /run "$root/var/run"
	for name in "${image_programs[@]}"; do
		path=$(type -P "$name") && files+=("$(realpath "$path")") || continue
		cp -L "$path" "$root/bin/$name"
	done
	ln -s bash "$root/bin/sh"
	# what iptables opens by itself
	path=$(dirname "$(find /usr/lib -name 'libxt_standard.so' -print -quit)")
	if [ "$path" != . ]; then
		mkdir -p "$root$path"
		cp "$path"/lib{xt_standard,xt_tcp,xt_udp,xt_MASQUERADE,ipt_MASQUERADE,xt_DNAT,xt_SNAT,xt_REDIRECT,xt_MARK}.so \
			"$root$path/" 2> /dev/null
		files+=("$path"/lib*.so)
	fi
	cp "$1/bpfguard" "$1"/*.bpf.o "$1"/vm/{verify,lsmtry} "$root/bpfguard/build/" &&
		cp -r "$2" "$root/bpfguard/build/live" || return 1
	mkdir -p "$root/bpfguard/build/attacks" "$root/bpfguard/tests/attacks" &&
		cp "$1/attacks/attack" "$1/attacks/capture" "$root/bpfguard/build/attacks/" &&
		cp tests/attacks/*.sh tests/attacks/*.awk "$root/bpfguard/tests/attacks/" || return 1
	files+=("$1/bpfguard" "$1"/vm/{verify,lsmtry} "$2"/*)
	while read -r path; do
		mkdir -p "$root${path%/*}" && cp -L "$path" "$root$path" || return 1
	done < <(image_libraries "${files[@]}")
	# no sources of programs: they are built, and no compiler is in there
	mkdir "$root/bpfguard/tests/live"
	cp tests/live/*.sh "$root/bpfguard/tests/live/"
	cp tests/vm/*.sh "$root/bpfguard/tests/vm/"
	cp tests/vm/init "$root/init"
	printf 'root:x:0:0::/:/bin/sh\n' > "$root/etc/passwd"
	printf '127.0.0.1 localhost\n' > "$root/etc/hosts"
	cp /etc/protocols /etc/services "$root/etc/" 2> /dev/null
	: > "$root/etc/resolv.conf"
	(cd "$root" && find . | cpio -o -H newc --quiet) > "$3"
}
