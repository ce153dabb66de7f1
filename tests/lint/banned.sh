#!/bin/sh
# Names and words that the tree does without. Names count where they are
# called, in C; words count everywhere, comments included.
# Usage: banned.sh ROOT BANNED_LIST
set -eu
cd "$1"
here="$(dirname "$2")"
status=0
find include proto node cli tests -name '*.[ch]' 2>/dev/null | sort |
    xargs awk -f "$here/banned.awk" "$2" || status=1

# Work that is not done belongs elsewhere than on main; the tree speaks of
# itself alone.
words='TO''DO|FIX''ME|X''XX|HA''CK'
places='/wo''rk/|sha''red/(design|data)'
found="$(find . \( -name .git -o -name 'build*' -o -name node_modules \) -prune \
    -o -type f \( -name '*.[ch]' -o -name '*.js' -o -name '*.sh' \
    -o -name '*.awk' -o -name '*.md' -o -name '*.txt' -o -name '*.cmake' \
    -o -name '*.css' -o -name '*.html' -o -name dev \) -print |
    xargs grep -nE "(^|[^A-Za-z0-9_])($words)([^A-Za-z0-9_]|\$)|$places" ||
    true)"
if [ -n "$found" ]; then
    echo "words that main does without:"
    echo "$found"
    status=1
fi
exit "$status"
