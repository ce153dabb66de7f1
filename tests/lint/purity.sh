#!/bin/sh
# libentente is a function of what it is given: no clock, socket, file or
# random source among its undefined symbols, and no variable that lives
# between calls. Only ent_panic may write, and only to stderr.
# Usage: purity.sh LIBRARY PURITY_LIST
set -eu
library="$1"
allowed="$(grep -v '^#' "$2" | paste -s -d '|' -)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
status=0

nm -A -P "$library" | awk '$3 == "U" { print $2 }' | sort -u >"$work/wanted"
nm -A -P "$library" | awk '$3 ~ /^[A-TV-Z]$/ { print $2 }' | sort -u \
    >"$work/own"
comm -23 "$work/wanted" "$work/own" >"$work/outside"
grep -vxE "$allowed" "$work/outside" |
    grep -vxE '(__)?v?f(printf|write|puts|putc)(_chk)?|stderr' \
        >"$work/forbidden" || true
if [ -s "$work/forbidden" ]; then
    echo "libentente may not use:"
    sed 's/^/  /' "$work/forbidden"
    status=1
fi

# Writing is for ent_panic, which stands in base.c.
nm -A -P "$library" | awk '$3 == "U"' |
    grep -E ' ((__)?v?f(printf|write|puts|putc)(_chk)?|stderr) ' |
    grep -v '\[base\.c\.o\]' >"$work/writers" || true
if [ -s "$work/writers" ]; then
    echo "only base.c may write to stderr:"
    sed 's/^/  /' "$work/writers"
    status=1
fi

# Constant tables with addresses in them stand in .data.rel.ro: they are fine.
objdump -t "$library" | grep -E '[[:space:]](\.data|\.bss|\.tdata|\.tbss|\*COM\*)([.][^r][^[:space:]]*)?[[:space:]]' |
    grep -vE '[[:space:]]d[[:space:]]' >"$work/variables" || true
if [ -s "$work/variables" ]; then
    echo "libentente may keep no variable between calls:"
    sed 's/^/  /' "$work/variables"
    status=1
fi
[ "$status" -ne 0 ] || echo "$(wc -l <"$work/outside") names from outside"
exit "$status"
