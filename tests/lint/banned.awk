# Reads banned.txt, then C sources; comments and strings do not count. Tools
# and measurements may look at the clock.
function strip(line,    out, c, i, n)
{
    out = ""
    n = length(line)
    for (i = 1; i <= n; i++) {
        c = substr(line, i, 1)
        if (in_comment) {
            if (c == "*" && substr(line, i + 1, 1) == "/") {
                in_comment = 0
                i++
            }
        } else if (c == "/" && substr(line, i + 1, 1) == "*") {
            in_comment = 1
            i++
        } else if (c == "/" && substr(line, i + 1, 1) == "/") {
            return out
        } else if (c == "\"" || c == "'") {
            for (i++; i <= n && substr(line, i, 1) != c; i++) {
                if (substr(line, i, 1) == "\\") {
                    i++
                }
            }
            out = out "0"
        } else {
            out = out c
        }
    }
    return out
}

FILENAME == ARGV[1] {
    if ($0 !~ /^(#|$)/) {
        text = $0
        sub(/^[^ ]+ +[^ ]+ +/, "", text)
        instead[$1] = text
        allowed[$1] = $2
    }
    next
}

FNR == 1 { in_comment = 0 }

{
    code = strip($0)
    # A member or a name of our own may be called the same.
    gsub(/(->|[.]) *[A-Za-z_0-9]+/, " ", code)
    while (match(code, /[A-Za-z_][A-Za-z_0-9]* *\(/)) {
        name = substr(code, RSTART, RLENGTH - 1)
        sub(/ +$/, "", name)
        code = substr(code, RSTART + RLENGTH)
        is_measured = allowed[name] != "-" &&
            FILENAME ~ /^tests\/(bench|tools|sim)\//
        if (name in instead && FILENAME != allowed[name] && !is_measured) {
            print FILENAME ":" FNR ": " name ": use " instead[name]
            failed = 1
        }
    }
}

END { exit failed }
