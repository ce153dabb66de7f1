#!/bin/sh
# The same seed gives the same trace, another seed another one.
set -eu
sim="$1"

trace() {
    "$sim" --seed "$1" --nodes 4 --steps 200 --faults all | tail -n 1
}

first="$(trace 77)"
second="$(trace 77)"
other="$(trace 78)"
if [ "$first" != "$second" ]; then
    echo "the same seed gave: $first and $second"
    exit 1
fi
if [ "${first% seed *}" = "${other% seed *}" ]; then
    echo "two seeds gave one trace: $first"
    exit 1
fi
