#!/bin/bash
# Tests the Debian packages: two builds are equal, and the package of this machine
# is installed into an empty root, upgraded and removed.
set -eu -o pipefail
cd "$(dirname "$0")/../../.."
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
fail() { echo "FAIL: $*"; exit 1; }
here=cmd/doord/package
$here/deb.sh "$t/a"
$here/deb.sh "$t/b" >/dev/null
diff -r "$t/a" "$t/b" || fail "two builds differ"
echo "  two builds are equal"
VERSION=9.9.9 $here/deb.sh "$t/next" >/dev/null

root=$t/root
mkdir -p "$root/var/lib/dpkg/"{info,updates} "$root/etc"
touch "$root/var/lib/dpkg/"{status,available} "$root/etc/"{passwd,group,shadow,gshadow}
pkg() { dpkg --root="$root" --log="$t/log" --force-script-chrootless --force-depends --force-confdef --force-not-root "$@" >"$t/out" 2>&1 || { cat "$t/out"; fail "dpkg $*"; }; }
pkg --install "$t"/a/*_amd64.deb
for file in usr/bin/doord usr/bin/doorctl usr/lib/systemd/system/doord.service usr/lib/sysusers.d/doord.conf usr/lib/udev/rules.d/60-doord.rules \
	etc/doord/board.toml usr/share/man/man8/doord.8.gz usr/share/bash-completion/completions/doorctl usr/share/doc/doord/boards/named-lines.toml; do
	[ -s "$root/$file" ] || fail "no $file"
done
"$root/usr/bin/doord" check-config "$root/etc/doord/board.toml" >/dev/null || fail "the configuration in the package"
command -v systemd-sysusers >/dev/null && { grep -q '^doord:' "$root/etc/passwd" || fail "no user doord"; }
echo "  installed"

echo "# mine" >>"$root/etc/doord/board.toml"
pkg --install "$t"/next/*_amd64.deb
tail -n 1 "$root/etc/doord/board.toml" | grep -q '^# mine$' || fail "the configuration was replaced"
echo "  upgraded, with its configuration kept"

mkdir -p "$root/var/lib/doord"
touch "$root/var/lib/doord/events.db"
pkg --remove doord
[ ! -e "$root/usr/bin/doord" ] || fail "doord is still there"
[ -e "$root/etc/doord/board.toml" ] && [ -e "$root/var/lib/doord/events.db" ] || fail "the removal took the configuration or the journal"
pkg --purge doord
[ ! -e "$root/etc/doord/board.toml" ] && [ ! -e "$root/var/lib/doord" ] || fail "something was left by the purge"
echo "  removed, then purged"
