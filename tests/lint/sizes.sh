#!/bin/sh
# A person can hold a function of 70 lines, 6 parameters and 3 levels, and a
# file of 800 lines. The house layout (./dev format) makes them easy to find.
# Usage: sizes.sh ROOT
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
cd "$1"
find include proto node cli tests -name '*.[ch]' 2>/dev/null | sort |
    xargs awk -f "$here/sizes.awk"
find tests node dev -type f \( -name '*.js' -o -name '*.sh' -o -name dev \) \
    2>/dev/null | while read -r file; do
    lines="$(wc -l <"$file")"
    if [ "$lines" -gt 800 ]; then
        echo "$file: $lines lines; 800 at most"
        exit 1
    fi
done
