#!/bin/sh
# Every include in include/, proto/, node/ and cli/ against layers.txt.
# Usage: layers.sh ROOT LAYERS
set -eu
cd "$1"
list="$(mktemp)"
trap 'rm -f "$list"' EXIT
find include proto node cli -name '*.[ch]' 2>/dev/null | sort >"$list"
xargs grep -Hn '^[[:space:]]*#[[:space:]]*include' <"$list" |
    awk -f "$(dirname "$2")/layers.awk" "$2" "$list" -
