#!/bin/sh
# What the sources quote of the protocol stands in it: comments of the form
#   /* PROTO §4.2: "the text, over several lines if need be" */
# with white space folded. An ellipsis in a quote stands for anything.
# Usage: quotes.sh ROOT
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
cd "$1"
[ -f docs/protocol.md ] || {
    echo "docs/protocol.md is missing"
    exit 1
}
find include proto node cli -name '*.[ch]' | sort |
    LC_ALL=C xargs awk -f "$here/quotes.awk" docs/protocol.md
