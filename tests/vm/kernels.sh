# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's kernels, by package name. Sourced by run.sh, which sets CACHE.
#
# $CACHE/<name>/ holds vmlinuz, modules.cpio and release. It appears at once and whole, by a rename:
# what an interrupted run leaves behind has another name and is never looked at.

kernel_suite() { # NAME
	case $1 in
	5.10) echo bullseye ;;
	6.1) echo bookworm ;;
	6.12) echo trixie ;;
	sid | 7.*) echo sid ;;
	*)
		echo "test-vm: no kernel '$1' (there are: 5.10 6.1 6.12 sid)" >&2
		return 64
		;;
	esac
}

# The mirror that this machine uses for the suite it runs itself, and for that one's security suite.
kernel_mirror() { # SUITE
	apt-get update --print-uris 2> /dev/null | sed -n "s|^'\(.*\)/dists/$1/InRelease'.*|\1|p" |
		head -n 1
}

# An apt that knows one suite, and nothing of this machine but how it reaches the network.
kernel_apt_setup() { # DIR SUITE
	local own site security
	own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	site=$(kernel_mirror "$own") security=$(kernel_mirror "$own-security")
	if [ -z "$site" ]; then
		echo "test-vm: this machine's apt names no Debian mirror for $own" >&2
		return 69
	fi
	mkdir -p "$1/lists/partial" "$1/archives/partial"
	local by="[arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
	echo "deb $by $site $2 main" > "$1/sources.list"
	[ "$2" = sid ] || [ -z "$security" ] ||
		echo "deb $by $security $2-security main" >> "$1/sources.list"
	kernel_apt=(-qq -o "Dir::Etc::sourcelist=$1/sources.list" -o Dir::Etc::sourceparts=-
		-o "Dir::State::Lists=$1/lists" -o "Dir::Cache=$1" -o Dir::State::status=/dev/null
		-o Dir::Etc::preferences=/dev/null -o "Dir::Etc::preferencesparts=$1/lists" -o APT::Default-Release=
		-o APT::Architecture=amd64 -o Acquire::Languages=none -o APT::Sandbox::User=root
		-o Acquire::Retries=3)
}

# The cloud flavour: the same sources and BPF settings, a third of the size. Newer suites name the
# image and its parts differently.
kernel_packages() {
	local version
	version=$(apt-cache "${kernel_apt[@]}" depends linux-image-cloud-amd64 linux-base-cloud-amd64 \
		2> /dev/null | sed -n 's/.*Depends: linux-\(image\|base\)-\([0-9].*\)/\2/p' | head -n 1)
	[ -n "$version" ] || return 1
	if apt-cache "${kernel_apt[@]}" show "linux-binary-$version" > /dev/null 2>&1; then
		echo "linux-binary-$version" "linux-modules-$version" "linux-base-$version"
	else
		echo "linux-image-$version"
	fi
}

# Everything a network of namespaces may ask for; no drivers of real hardware.
kernel_modules() { # FROM TO RELEASE
	local d=$2/lib/modules/$3
	mkdir -p "$d"
	(
		cd "$1" || exit 1
		find modules.builtin* modules.order -maxdepth 0 -type f 2> /dev/null
		find kernel/net kernel/crypto kernel/lib kernel/arch/x86/crypto kernel/drivers/net \
			-name '*.ko*' 2> /dev/null | grep -vE 'drivers/net/(ethernet|wireless|phy|usb|can|hyperv|xen)|net/(ceph|sunrpc|bluetooth|mac80211|wireless|can|nfc)/'
	) | (cd "$1" && cpio -pdm --quiet "$d") || return 1
	find "$d" -name '*.ko.xz' -exec xz -d {} + || return 1
	find "$d" -name '*.ko.zst' -exec zstd -q -d --rm {} + || return 1
	depmod -b "$2" "$3" 2> /dev/null
	(cd "$2" && find lib | cpio -o -H newc --quiet)
}

kernel_unpack() { # DIR WITH x/ (the packages, unpacked): makes DIR/new
	local vmlinuz modules release
	vmlinuz=$(find "$1/x" -name 'vmlinuz*' -type f | head -n 1)
	modules=$(find "$1/x" -path '*lib/modules/*' -name kernel -type d | head -n 1)
	if [ -z "$vmlinuz" ] || [ -z "$modules" ]; then
		echo "test-vm: the packages hold no kernel or no modules" >&2
		return 1
	fi
	modules=${modules%/kernel} release=${modules##*/}
	mkdir "$1/new" && cp "$vmlinuz" "$1/new/vmlinuz" && echo "$release" > "$1/new/release" &&
		kernel_modules "$modules" "$1/root" "$release" > "$1/new/modules.cpio"
}

kernel_fetch() { # NAME DIR
	local suite packages
	suite=$(kernel_suite "$1") && kernel_apt_setup "$2" "$suite" || return
	echo "test-vm: fetching the kernel of $suite"
	apt-get "${kernel_apt[@]}" update || return 69
	packages=$(kernel_packages) || {
		echo "test-vm: $suite has no linux-image-cloud-amd64" >&2
		return 69
	}
	mkdir "$2/debs"
	# shellcheck disable=SC2086 # several packages; apt-get checks each one's hash
	(cd "$2/debs" && apt-get "${kernel_apt[@]}" download $packages) || return 69
	for packages in "$2"/debs/*.deb; do
		dpkg-deb -x "$packages" "$2/x" || return 1
	done
	kernel_unpack "$2" || return 1
	rm -rf "${CACHE:?}/$1"
	mv "$2/new" "$CACHE/$1"
}

# Returns when $CACHE/NAME is there and whole; one run at a time fetches.
kernel_get() { # NAME
	local dir rc=0
	kernel_suite "$1" > /dev/null || return
	mkdir -p "$CACHE" || return 1
	exec {kernel_lock}> "$CACHE/lock"
	flock "$kernel_lock"
	if [ ! -d "$CACHE/$1" ] || [ -n "${VM_REFRESH:-}" ]; then
		find "$CACHE" -maxdepth 1 -name 'new.*' -exec rm -rf {} +
		dir=$(mktemp -d "$CACHE/new.XXXXXX") || return 1
		kernel_fetch "$1" "$dir" || rc=$?
		rm -rf "$dir"
	fi
	exec {kernel_lock}>&-
	return $rc
}
