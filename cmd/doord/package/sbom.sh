#!/bin/bash
# Writes what doord is made of, as CycloneDX JSON, by what the program itself says:
# one file for each machine. Two runs of one commit are equal byte for byte.
#
#   sbom.sh [FOLDER]     (default bin)
set -eu -o pipefail
cd "$(dirname "$0")/../../.."
out=$(realpath -m "${1:-bin}")
mkdir -p "$out"
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
version=$(go run ./cmd/doord --version | awk '{print $NF}')
tool=$(go tool -modfile=.tools/package/go.mod -n cyclonedx-gomod) # built for this machine
export GOOS=linux GOARCH GOARM=7 CGO_ENABLED=0
for GOARCH in arm64 arm amd64; do
	go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$t/doord" ./cmd/doord
	"$tool" bin -json -licenses -noserial -notimestamp -std -version "v$version" -output "$out/doord-$GOARCH.cdx.json" "$t/doord"
done
