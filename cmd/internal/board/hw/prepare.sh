#!/bin/bash
# Gets what the virtual machine needs, once: the emulator from Debian's packages,
# and into a folder
#
#   vmlinuz    Debian's own arm64 kernel
#   modules/   gpio-sim and irq_sim, built here for that kernel (Debian leaves
#              them out), and what the kernel needs for its disk
#
#   prepare.sh FOLDER
#
# Debian 12 on amd64; root, for apt-get. Nothing of the kernel is kept in the
# repository: image, headers and source come from Debian's packages.
set -eu
cache=$(realpath -m "$1")
mkdir -p "$cache"
# What is kept was made by this very script.
made() { sha256sum <"$0" | cmp -s - "$cache/made"; }
if made && command -v qemu-system-aarch64 >/dev/null; then exit 0; fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y --no-install-recommends \
	qemu-system-arm ipxe-qemu gcc-12-aarch64-linux-gnu binutils-aarch64-linux-gnu make xz-utils \
	linux-source-6.1 linux-kbuild-6.1 e2fsprogs >/dev/null
if made; then exit 0; fi
# arm64 packages by an apt state of their own: the machine stays amd64 only.
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir -p "$t/lists/partial" "$t/cache/archives/partial"
apt=(-qq -o "APT::Architectures::=amd64" -o "APT::Architectures::=arm64"
     -o "Dir::State::lists=$t/lists" -o "Dir::Cache=$t/cache" -o "APT::Sandbox::User=root")
apt-get "${apt[@]}" update
image=$(apt-cache "${apt[@]}" depends linux-image-arm64:arm64 | sed -n 's/.*Depends: \(linux-image-[^:]*\).*/\1/p' | head -1)
rel=${image#linux-image-}
(cd "$t" && apt-get "${apt[@]}" download "$image:arm64" "linux-headers-$rel:arm64" "linux-headers-${rel%-arm64}-common")
mkdir "$t/root"
for d in "$t"/*.deb; do dpkg -x "$d" "$t/root"; done
# The two modules.
mkdir -p "$t/root/usr/lib"
ln -sfn /usr/lib/linux-kbuild-6.1 "$t/root/usr/lib/linux-kbuild-6.1"
h=$t/root/usr/src/linux-headers-$rel
sed -i "s|/usr/src/|$t/root/usr/src/|" "$h/Makefile"
m=$t/m
mkdir "$m"
tar -xJf /usr/src/linux-source-6.1.tar.xz -C "$m" --strip-components=3 --occurrence=1 \
	linux-source-6.1/drivers/gpio/gpio-sim.c linux-source-6.1/drivers/gpio/gpiolib.h linux-source-6.1/kernel/irq/irq_sim.c
# irq_sim is meant to be built in: a module may use exported calls only.
sed -i -e '0,/^#include/s||#include <linux/module.h>\n#include|' \
	-e 's|handle_simple_irq(irq_to_desc(irqnum))|generic_handle_irq(irqnum)|' "$m/irq_sim.c"
echo 'MODULE_LICENSE("GPL");' >>"$m/irq_sim.c"
echo 'obj-m := gpio-sim.o irq_sim.o' >"$m/Kbuild"
make -s -C "$h" M="$m" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc-12 modules
# What is kept, in the order of loading.
k=$t/root/lib/modules/$rel/kernel
rm -rf "$cache/modules"
mkdir "$cache/modules"
n=10
for f in "$k/fs/configfs/configfs.ko" "$m/irq_sim.ko" "$m/gpio-sim.ko" \
	"$k"/drivers/virtio/virtio_pci_{legacy,modern}_dev.ko "$k/drivers/virtio/virtio_pci.ko" \
	"$k/drivers/block/virtio_blk.ko" "$k/crypto/crc32c_generic.ko" "$k/lib/libcrc32c.ko" "$k/lib/crc16.ko" \
	"$k/fs/mbcache.ko" "$k/fs/jbd2/jbd2.ko" "$k/fs/ext4/ext4.ko"; do
	[ -e "$f" ] || continue
	aarch64-linux-gnu-strip -g -o "$cache/modules/$n-$(basename "$f")" "$f"
	n=$((n + 1))
done
cp "$t/root/boot/vmlinuz-$rel" "$cache/vmlinuz"
sha256sum <"$0" >"$cache/made"
