#!/bin/bash
# Writes what doord is made of, as CycloneDX JSON: one file for each machine.
#
#   sbom.sh [FOLDER]     (default bin)
set -eu -o pipefail
cd "$(dirname "$0")/../../.."
out=$(realpath -m "${1:-bin}")
mkdir -p "$out"
tool=$(go tool -modfile=.tools/package/go.mod -n cyclonedx-gomod) # built for this machine
for arch in arm64 arm amd64; do
	GOOS=linux GOARCH=$arch GOARM=7 CGO_ENABLED=0 GOFLAGS=-buildvcs=false "$tool" app \
		-json -licenses -noserial -std -main cmd/doord -output "$out/doord-$arch.cdx.json" .
done
