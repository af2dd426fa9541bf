#!/bin/bash
# Builds the Debian packages for arm64, armhf and amd64. Two builds of one commit
# are equal byte for byte.
#
#   deb.sh [FOLDER]      (default bin/deb)
set -eu -o pipefail
cd "$(dirname "$0")/../../.."
out=$(realpath -m "${1:-bin/deb}")
mkdir -p "$out"
export STAGE VERSION ARCH SOURCE_DATE_EPOCH CGO_ENABLED=0
STAGE=$(mktemp -d)
trap 'rm -rf "$STAGE"' EXIT
umask 022
tool() { GOOS= GOARCH= go tool -modfile=.tools/package/go.mod "$@"; }
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
VERSION=${VERSION:-$(go run ./cmd/doord --version | awk '{print $NF}')}
for page in doord doorctl; do gzip -9n <cmd/doord/package/$page.8 >"$STAGE/$page.8.gz"; done
for shell in bash zsh fish; do go run ./cmd/doorctl completion $shell >"$STAGE/doorctl.$shell"; done
for ARCH in arm64 arm7 amd64; do
	for program in doord doorctl; do
		GOOS=linux GOARCH=${ARCH%7} GOARM=7 go build -trimpath -buildvcs=false -ldflags '-s -w -buildid=' -o "$STAGE/$program" ./cmd/$program
	done
	tool nfpm package --config cmd/doord/package/nfpm.yaml --packager deb --target "$out" >/dev/null
done
ls -l "$out" | awk 'NR > 1 {printf "  %-32s %5.1f MB\n", $9, $5 / 1e6}'
