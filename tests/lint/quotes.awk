# Reads the protocol, then the sources.
function fail(text)
{
    print text
    failed = 1
}

function fold(text)
{
    gsub(/[ \t\n]+/, " ", text)
    sub(/^ /, "", text)
    sub(/ $/, "", text)
    return text
}

# The section's text with all below it: § 4 holds 4.1 and 4.2.
function section_has(number, quote,    i, n, pieces, text, at)
{
    text = ""
    for (i = 1; i <= sections; i++) {
        if (section[i] == number ||
            index(section[i], number ".") == 1) {
            text = text " " body[i]
        }
    }
    text = fold(text)
    if (text == "") {
        return 0
    }
    n = split(quote, pieces, / *(\.\.\.|…) */)
    for (i = 1; i <= n; i++) {
        at = index(text, pieces[i])
        if (at == 0) {
            return 0
        }
        text = substr(text, at + length(pieces[i]))
    }
    return 1
}

function check(where, comment,    number, quote, rest)
{
    rest = comment
    while (match(rest, /PROTO §[0-9.]+: *"[^"]*"/)) {
        quote = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        number = quote
        sub(/^PROTO §/, "", number)
        sub(/:.*/, "", number)
        sub(/^[^"]*"/, "", quote)
        sub(/"$/, "", quote)
        quotes++
        if (!section_has(number, fold(quote))) {
            fail(where ": not in protocol.md " number ": \"" fold(quote) "\"")
        }
    }
    if (rest ~ /PROTO §/) {
        fail(where ": a quote without its form: " fold(rest))
    }
}

FILENAME == ARGV[1] {
    if ($0 ~ /^#+ [0-9]+(\.[0-9]+)*/) {
        match($0, /[0-9]+(\.[0-9]+)*/)
        section[++sections] = substr($0, RSTART, RLENGTH)
    } else if (sections > 0) {
        body[sections] = body[sections] " " $0
    }
    next
}

FNR == 1 { in_comment = 0 }

{
    line = $0
    if (!in_comment && (at = index(line, "/*")) > 0) {
        in_comment = 1
        comment = ""
        where = FILENAME ":" FNR
        line = substr(line, at + 2)
    }
    if (in_comment) {
        sub(/^ \*( |$)/, "", line)
        sub(/^[ \t]+\* /, "", line)
        at = index(line, "*/")
        comment = comment " " (at > 0 ? substr(line, 1, at - 1) : line)
        if (at > 0) {
            in_comment = 0
            if (comment ~ /PROTO §/) {
                check(where, comment)
            }
        }
    }
}

END {
    printf "%d quotes\n", quotes
    exit failed
}
