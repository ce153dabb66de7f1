# Reads layers.txt, the list of files, and grep's include lines, in this order.
function fail(text)
{
    print text
    failed = 1
}

function to_regex(glob)
{
    gsub(/\./, "[.]", glob)
    gsub(/\*/, "[^/]*", glob)
    return "^" glob "$"
}

# The module of a file: the longest pattern that fits.
function module_of(file,    i, best, found)
{
    if (file in owner) {
        return owner[file]
    }
    best = 0
    for (i = 1; i <= patterns; i++) {
        if (file ~ regex[i] && length(pattern[i]) > best) {
            best = length(pattern[i])
            found = pattern_module[i]
        }
    }
    return owner[file] = found
}

function read_module(    i, after_colon, k)
{
    if ($1 in rank) {
        fail(FILENAME ":" FNR ": " $1 " stands here a second time")
    }
    rank[$1] = ++modules
    may[$1, $1] = 1
    for (i = 2; i <= NF; i++) {
        if ($i == ":") {
            after_colon = 1
        } else if (!after_colon) {
            pattern[++patterns] = $i
            regex[patterns] = to_regex($i)
            pattern_module[patterns] = $1
        } else if ($i ~ /^</) {
            door[$1, $i] = 1
        } else if (!($i in rank) || $i == $1) {
            fail(FILENAME ":" FNR ": " $1 " names " $i \
                 ", which is no earlier module")
        } else {
            for (k in rank) {
                if (may[$i, k]) {
                    may[$1, k] = 1
                }
            }
        }
    }
    if (!after_colon) {
        fail(FILENAME ":" FNR ": no colon")
    }
}

# Where "name" may be found, in the order of the compiler.
function resolve(file, name,    i, folder, n, places)
{
    folder = file
    sub(/[^\/]*$/, "", folder)
    n = split(folder " proto/ node/ cli/ include/", places, " ")
    for (i = 1; i <= n; i++) {
        if ((places[i] name) in exists) {
            return places[i] name
        }
    }
    return ""
}

function check_own(where, file, from, target,    to)
{
    to = module_of(target)
    if (to == "") {
        return # reported with the file itself
    }
    if (!may[from, to]) {
        fail(where ": " from " may not include " to " (" target ")")
    }
}

function check_library(where, file, from, name)
{
    if (name in pure || door[from, "<" name ">"]) {
        return
    }
    if (name in system_header && file !~ /^(include|proto)\//) {
        return
    }
    fail(where ": " from " may not include <" name ">")
}

FILENAME == ARGV[1] && /^(#|$)/ { next }
FILENAME == ARGV[1] && $1 == "pure" {
    for (i = 2; i <= NF; i++) {
        pure[$i] = 1
    }
    next
}
FILENAME == ARGV[1] && $1 == "system" {
    for (i = 2; i <= NF; i++) {
        system_header[$i] = 1
    }
    next
}
FILENAME == ARGV[1] { read_module(); next }

FILENAME == ARGV[2] {
    exists[$0] = 1
    if (module_of($0) == "") {
        fail($0 ": belongs to no module; add it to layers.txt")
    }
    next
}

{
    n = split($0, part, ":")
    file = part[1]
    where = file ":" part[2]
    from = module_of(file)
    text = $0
    sub(/^[^#]*#[ \t]*include[ \t]*/, "", text)
    if (from == "") {
        next
    }
    if (match(text, /^"[^"]+"/)) {
        name = substr(text, 2, RLENGTH - 2)
        target = resolve(file, name)
        if (target == "") {
            fail(where ": \"" name "\" is not in the tree")
        } else {
            check_own(where, file, from, target)
        }
    } else if (match(text, /^<[^>]+>/)) {
        name = substr(text, 2, RLENGTH - 2)
        if (name ~ /^entente\//) {
            check_own(where, file, from, "include/" name)
        } else {
            check_library(where, file, from, name)
        }
    } else {
        fail(where ": an include by macro")
    }
    checked++
}

END {
    printf "%d includes, %d modules\n", checked, modules
    exit failed
}
