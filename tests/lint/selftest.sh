#!/bin/sh
# The checks are checked: each passes a small tree that is in order, and finds
# what is planted in it. Usage: selftest.sh CC
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
cc="$1"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
status=0
count=0

# A tree in which every check is content.
plant_clean() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree/include/entente" "$work/tree/proto/wire" \
        "$work/tree/node/store" "$work/tree/cli" "$work/tree/tests" \
        "$work/tree/docs"
    cd "$work/tree"
    printf '%s\n' '# Protocol' '## 4 Transport' 'Before.' '### 4.2 Records' \
        'A record is **short**, and' 'always whole.' '## 5 Session' 'Later.' \
        >docs/protocol.md
    printf '%s\n' '#ifndef ENTENTE_BASE_H' '#define ENTENTE_BASE_H' \
        '#include <stddef.h>' 'size_t base_len(const char *s);' '#endif' \
        >include/entente/base.h
    printf '%s\n' '#include <entente/base.h>' '#include <string.h>' \
        '/* PROTO §4.2: "A record is **short**,' ' * and always whole." */' \
        'size_t' 'base_len(const char *s)' '{' '    return strlen(s);' '}' \
        >proto/wire/base.c
    printf '%s\n' 'pure stddef.h string.h' 'system time.h' \
        'base include/entente/base.h proto/wire/base.c :' \
        'wire proto/wire/* : base <sodium.h>' \
        'store node/store/* : base' 'cli cli/* : base' >layers.txt
    cp "$here/layers.awk" .
}

check() {
    case "$1" in
    layers) sh "$here/layers.sh" . "$PWD/layers.txt" ;;
    headers) sh "$here/headers.sh" . "$cc" ;;
    banned) sh "$here/banned.sh" . "$here/banned.txt" ;;
    sizes) sh "$here/sizes.sh" . ;;
    quotes) sh "$here/quotes.sh" . ;;
    purity)
        "$cc" -fPIC -Iinclude -c proto/wire/*.c
        ar rcs liball.a ./*.o
        sh "$here/purity.sh" liball.a "$here/purity.txt"
        ;;
    esac
}

# passes CHECK WHAT
passes() {
    count=$((count + 1))
    if ! check "$1" >out 2>&1; then
        echo "$1 does not pass: $2"
        cat out
        status=1
    fi
}

# finds CHECK TEXT: it fails, and says TEXT.
finds() {
    count=$((count + 1))
    if check "$1" >out 2>&1; then
        echo "$1 does not find: $2"
        status=1
    elif ! grep -qF "$2" out; then
        echo "$1 fails without saying: $2"
        cat out
        status=1
    fi
    plant_clean
}

plant_clean
for name in layers headers banned sizes quotes purity; do
    passes "$name" "a clean tree"
done

# Layers
echo '#include "store/x.h"' >>proto/wire/base.c
touch node/store/x.h
finds layers 'base may not include store'
echo '#include <sodium.h>' >>proto/wire/base.c
finds layers 'base may not include <sodium.h>'
echo '#include <time.h>' >>proto/wire/base.c
finds layers 'base may not include <time.h>'
echo '#include <unheard.h>' >cli/x.c
finds layers 'cli may not include <unheard.h>'
echo '#include "absent.h"' >cli/x.c
finds layers '"absent.h" is not in the tree'
mkdir proto/other
touch proto/other/x.c
finds layers 'proto/other/x.c: belongs to no module'
echo 'early node/early.c : late' >>layers.txt
finds layers 'which is no earlier module'
printf '%s\n' '#include <sodium.h>' '#include <entente/base.h>' \
    >proto/wire/x.c
echo '#include <time.h>' >cli/x.c
passes layers 'what the lines allow'
plant_clean

# Headers
printf '%s\n' '#ifndef ALONE_H' '#define ALONE_H' 'size_t f(void);' '#endif' \
    >cli/x.h
finds headers 'cli/x.h does not stand alone'
echo 'int f(void);' >cli/x.h
finds headers 'no guard in cli/x.h'
printf '%s\n' '#ifndef ENTENTE_BASE_H' '#define ENTENTE_BASE_H' '#endif' \
    >cli/x.h
finds headers 'not unique'

# Banned names and words
echo 'void f(char *a) { strcpy (a, "b"); }' >cli/x.c
finds banned 'cli/x.c:1: strcpy'
echo 'long f(void) { return time(0); }' >node/store/x.c
finds banned 'node/store/x.c:1: time'
echo '/* TO''DO: later */' >cli/x.c
finds banned 'cli/x.c:1:'
printf '%s\n' '/* strcpy(a, b)' ' * sprintf(a) */' \
    'const char *s = "gets(x)"; // atoi(' 'int n = o->time(1) + my_time(2);' \
    'char t[] = "entente-XX''XXXX";' >cli/x.c
echo 'long f(void) { return time(0); }' >node/clock.c
passes banned 'comments, strings, members, longer names, the clock'
plant_clean

# Sizes
long_function() {
    printf '%s\n' 'int' 'f(int a)' '{'
    awk -v n="$1" 'BEGIN { while (n-- > 0) print "    a++;" }'
    printf '%s\n' '}'
}
long_function 69 >cli/x.c
finds sizes 'f: 71 lines'
long_function 68 >cli/x.c
passes sizes 'a function of 70 lines'
awk 'BEGIN { while (n++ < 801) print "" }' >cli/x.c
finds sizes '801 lines'
printf '%s\n' 'void' 'f(int a, int (*b)(int, int), int c, int d,' \
    '  int e, int g, int h)' '{' '}' >cli/x.c
finds sizes '7 parameters'
printf '%s\n' 'void' 'f(int a)' '{' '    while (a) {' '        if (a) {' \
    '            for (;;) {' '                do {' '                } while (a);' \
    '            }' '        }' '    }' '}' >cli/x.c
finds sizes '4 levels'

# Quotes
sed -i 's/always whole/seldom whole/' proto/wire/base.c
finds quotes 'not in protocol.md 4.2'
sed -i 's/§4.2/§5/' proto/wire/base.c
finds quotes 'not in protocol.md 5'
sed -i 's/"A record/A record/' proto/wire/base.c
finds quotes 'a quote without its form'
sed -i 's/§4.2/§4/; s/\*\*short\*\*,/… /' proto/wire/base.c
passes quotes 'the section above, with an ellipsis'
plant_clean

# Purity
plant_code() { printf '%s\n' "$@" >proto/wire/x.c; }
plant_code '#include <time.h>' 'long f(void);' \
    'long f(void) { return (long)time(0); }'
finds purity 'time'
plant_code 'void randombytes_buf(void *p, unsigned long n);' \
    'void f(void *p);' 'void f(void *p) { randombytes_buf(p, 1); }'
finds purity 'randombytes_buf'
plant_code 'int f(void);' 'int f(void) { static int n; return n++; }'
finds purity 'no variable between calls'
plant_code 'int n = 3;'
finds purity 'no variable between calls'
plant_code '#include <stdio.h>' 'void f(void);' \
    'void f(void) { fprintf(stderr, "%d", 1); }'
finds purity 'only base.c may write'
plant_code 'extern const char *const names[];' \
    'const char *const names[] = {"a", "b"};'
passes purity 'a constant table with addresses'

echo "$count checks of the checks"
exit "$status"
