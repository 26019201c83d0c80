# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Images from the machine's own packages: a binary and the libraries that ldd names, no registry.

# Copies files to the same place in ROOT, and with each program the libraries that it loads.
lab_copy() { # ROOT FILE...
	local root=$1 file lib
	shift
	for file; do
		mkdir -p "$root$(dirname "$file")"
		cp -L "$file" "$root$file"
		while read -r lib; do
			[ -e "$root$lib" ] && continue
			mkdir -p "$root$(dirname "$lib")"
			cp -L "$lib" "$root$lib"
		done < <(ldd "$file" 2> /dev/null | sed -n 's/.*[[:space:]]\(\/[^ ]*\) (0x.*/\1/p')
	done
}

# Directories, accounts, dash as the shell (busybox's would prefer its own `ip` and `wget` to what
# is in PATH), busybox for the rest.
lab_rootfs() { # ROOT
	local root=$1 dir applet
	mkdir -p "$root"/{etc,proc,sys,dev,run,tmp,root,var} \
		"$root"/usr/{bin,sbin,lib,lib64,local/bin}
	for dir in bin sbin lib lib64; do
		ln -s "usr/$dir" "$root/$dir"
	done
	ln -s /run "$root/var/run"
	echo 'root:x:0:0:root:/root:/bin/sh' > "$root/etc/passwd"
	echo 'root:x:0:' > "$root/etc/group"
	echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
	lab_copy "$root" "$(command -v busybox)"
	for applet in $(busybox --list); do
		[ "$applet" = busybox ] || ln -s "$(command -v busybox)" "$root/usr/bin/$applet"
	done
	rm -f "$root/usr/bin/sh"
	lab_copy "$root" "$(command -v dash)"
	ln -s dash "$root/usr/bin/sh"
}

lab_programs() { # ROOT NAME...: real programs instead of busybox's
	local root=$1 name path
	shift
	for name; do
		path=$(command -v "$name") || lab_die "$name is missing (run: packaging/deps.sh demo)"
		rm -f "$root/usr/bin/$name"
		lab_copy "$root" "$path"
	done
}

lab_import() { # ROOT NAME [change...]
	local root=$1 name=$2
	shift 2
	tar -C "$root" -c . | lab_docker import "$@" - "$name" > /dev/null ||
		lab_die "cannot import the image $name"
	rm -rf "$root"
}

# Stand-in for Gluetun's image, which only a registry has: see tests/gateway/entry.sh.
lab_image_gateway() {
	local root=$LAB/images/gateway
	lab_rootfs "$root"
	lab_programs "$root" ip iptables{,-nft,-legacy}{,-save,-restore} wireguard-go wg openvpn \
		dnsmasq curl tini
	lab_copy "$root" "$(dirname "$(find /usr/lib -name libxt_conntrack.so -print -quit)")"/*.so
	install -m 755 "$LAB_DIR/../gateway/entry.sh" "$root/entry.sh"
	gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -static -o "$root/usr/local/bin/gateway-control" \
		"$LAB_DIR"/../gateway/{control,roles}.c || lab_die "cannot compile the control server"
	lab_import "$root" lab-gateway -c 'ENTRYPOINT ["/usr/bin/tini","--","/entry.sh"]'
}

# What asks and sends: curl, dig, and one resolver test on each of glibc and musl.
lab_image_app() {
	local root=$LAB/images/app
	lab_rootfs "$root"
	lab_programs "$root" curl dig getent
	musl-gcc -static -O2 -o "$root/usr/local/bin/resolve-musl" "$LAB_DIR/resolve.c" ||
		lab_die "cannot compile resolve.c"
	gcc -static -O2 -o "$root/usr/local/bin/firstpacket" "$LAB_DIR/../docker/firstpacket.c" ||
		lab_die "cannot compile firstpacket.c"
	gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -static -o "$root/usr/local/bin/rawframe" \
		"$LAB_DIR/../docker/rawframe.c" || lab_die "cannot compile rawframe.c"
	gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -static -o "$root/usr/local/bin/sender" \
		"$LAB_DIR/sender.c" || lab_die "cannot compile sender.c"
	lab_import "$root" lab-app -c 'CMD ["sleep","infinity"]'
}

lab_images() {
	lab_image_gateway
	lab_image_app
}
