# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# Docker engines of other generations than the machine's, from Debian's own packages, unpacked and
# never installed: dockerd, containerd, runc and the client that belongs to them.
#
#   lab_engine_get GENERATION    sets LAB_ENGINE to the folder of its programs; nothing on the
#                                machine but $LAB_ENGINES is written
#
# $LAB_ENGINES/<generation>/ appears at once and whole, by a rename. runc is the only one of them
# that asks for a newer C library than this machine may have; it starts itself again from
# /proc/self/exe, so that a wrapper around it would not do: it is told where its loader and
# libraries are.

LAB_ENGINES=${LAB_ENGINES:-/var/cache/bpfguard-docker}

# shellcheck source=tests/vm/kernels.sh
. "$LAB_DIR/../vm/kernels.sh"

lab_engine_suite() { # GENERATION
	case $1 in
	26) echo trixie ;;
	28) echo sid ;;
	*)
		echo "lab: no Docker generation '$1' (there are: 26 28; none: the machine's)" >&2
		return 64
		;;
	esac
}

lab_engine_unpack() { # DIR WITH x/ (the packages, unpacked) FINAL-DIR: makes DIR/new
	local new=$1/new lib=$1/x/usr/lib/x86_64-linux-gnu file
	mkdir -p "$new/bin" "$new/lib"
	for file in "$1"/x/usr/{bin,sbin}/{dockerd,docker,docker-proxy,docker-init} \
		"$1"/x/usr/{bin,sbin}/{containerd,containerd-shim-runc-v2,runc}; do
		[ ! -f "$file" ] || cp "$file" "$new/bin/" || return 1
	done
	for file in ld-linux-x86-64.so.2 libc.so.6 libseccomp.so.2 libcap.so.2 libresolv.so.2 \
		libpthread.so.0; do
		[ ! -e "$lib/$file" ] || cp -L "$lib/$file" "$new/lib/" || return 1
	done
	patchelf --set-interpreter "$2/lib/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$2/lib" \
		"$new/bin/runc" || return 1
	for file in dockerd docker containerd containerd-shim-runc-v2 runc; do
		[ -x "$new/bin/$file" ] || {
			echo "lab: the packages hold no $file" >&2
			return 1
		}
	done
}

lab_engine_fetch() { # GENERATION DIR
	local suite deb
	suite=$(lab_engine_suite "$1") && kernel_apt_setup "$2" "$suite" || return
	echo "lab: fetching the Docker engine of $suite" >&2
	apt-get "${kernel_apt[@]}" update || return 69
	mkdir "$2/debs"
	# apt-get checks each one's hash
	(cd "$2/debs" && apt-get "${kernel_apt[@]}" download docker.io docker-cli containerd runc \
		libc6 libseccomp2 libcap2) || return 69
	for deb in "$2"/debs/*.deb; do
		dpkg-deb -x "$deb" "$2/x" || return 1
	done
	lab_engine_unpack "$2" "$LAB_ENGINES/$1" || return 1
	rm -rf "${LAB_ENGINES:?}/$1"
	mv "$2/new" "$LAB_ENGINES/$1"
}

lab_engine_get() { # GENERATION
	local dir rc=0 lock
	lab_engine_suite "$1" > /dev/null || return
	mkdir -p "$LAB_ENGINES" || return 1
	exec {lock}> "$LAB_ENGINES/lock"
	flock "$lock"
	if [ ! -d "$LAB_ENGINES/$1" ] || [ -n "${LAB_REFRESH:-}" ]; then
		find "$LAB_ENGINES" -maxdepth 1 -name 'new.*' -exec rm -rf {} +
		dir=$(mktemp -d "$LAB_ENGINES/new.XXXXXX") || return 1
		lab_engine_fetch "$1" "$dir" || rc=$?
		rm -rf "$dir"
	fi
	exec {lock}>&-
	# shellcheck disable=SC2034 # read by lab.sh
	[ $rc != 0 ] || LAB_ENGINE=$LAB_ENGINES/$1/bin
	return $rc
}
