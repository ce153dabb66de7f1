#!/bin/sh
# Each header compiles alone, with the include folders of its users, and has a
# guard that no other header has.
# Usage: headers.sh ROOT CC [FOLDER OF GENERATED HEADERS]
set -eu
cd "$1"
cc="$2"
generated="${3:-include}"
status=0
count=0
for header in $(find include proto node cli -name '*.h' 2>/dev/null | sort); do
    case "$header" in
    include/*) folders="-Iinclude" ;;
    proto/*) folders="-Iinclude -Iproto" ;;
    cli/*) folders="-Iinclude -Icli -I$generated" ;;
    *) folders="-Iinclude -Iproto -Inode -I$generated" ;;
    esac
    # Unquoted on purpose: several words.
    # shellcheck disable=SC2086
    if ! echo "#include \"$header\"" | "$cc" -std=gnu11 -D_GNU_SOURCE -Wall \
        -Wextra -Werror -fsyntax-only -I. $folders -x c -; then
        echo "$header does not stand alone"
        status=1
    fi
    count=$((count + 1))
done
guards="$(find include proto node cli tests -name '*.h' 2>/dev/null |
    while read -r header; do
        grep -m 1 -E '^#ifndef [A-Z0-9_]+_H$' "$header" ||
            echo "no guard in $header"
    done | sort | uniq -c | grep -vE '^ *1 #ifndef' || true)"
if [ -n "$guards" ]; then
    echo "guards that are missing or not unique:"
    echo "$guards"
    status=1
fi
echo "$count headers"
exit "$status"
