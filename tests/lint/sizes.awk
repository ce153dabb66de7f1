# Function bodies start with a brace in the first column and end with one.
function fail(text)
{
    print text
    failed = 1
}

function parameters(text,    i, c, depth, count)
{
    sub(/^[^(]*\(/, "", text)
    if (text ~ /^(void)?\)/) {
        return 0
    }
    count = 1
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "(") {
            depth++
        } else if (c == ")") {
            if (depth-- == 0) {
                break
            }
        } else if (c == "," && depth == 0) {
            count++
        }
    }
    return count
}

# Counts open blocks of control flow; braces of initialisers do not count.
function track_blocks(line,    i, c, is_block)
{
    gsub(/"([^"\\]|\\.)*"/, "", line)
    gsub(/'([^'\\]|\\.)+'/, "", line)
    gsub(/\/\*.*\*\//, "", line)
    is_block = line ~ /(\)|else|do) \{ *$/
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        if (c == "{") {
            block[++depth] = is_block && substr(line, i + 1) ~ /^ *$/
            level += block[depth]
            if (level > deepest) {
                deepest = level
                deepest_line = FNR
            }
        } else if (c == "}" && depth > 0) {
            level -= block[depth--]
        }
    }
}

function end_of_file()
{
    if (file != "" && lines > 800) {
        fail(file ": " lines " lines; 800 at most")
    }
}

FNR == 1 {
    end_of_file()
    file = FILENAME
    head = ""
    in_body = 0
}

{ lines = FNR }

!in_body && /^[A-Za-z_][A-Za-z_0-9]*\(/ { head = ""; start = FNR }
!in_body && /^[A-Za-z_]/ && !/^[A-Za-z_][A-Za-z_0-9]*\(/ { head = "" }
!in_body { head = head " " $0 }

/^\{$/ && !in_body {
    in_body = 1
    first = FNR
    deepest = 0
    level = 0
    depth = 0
    name = head
    sub(/^ */, "", name)
    sub(/\(.*/, "", name)
    count = parameters(head)
    if (head ~ /\(/ && count > 6) {
        fail(FILENAME ":" FNR ": " name ": " count " parameters; 6 at most")
    }
    next
}

in_body && !/^\}/ { track_blocks($0) }

/^\}/ && in_body {
    in_body = 0
    size = FNR - first + 1
    functions++
    if (size > 70) {
        fail(FILENAME ":" first ": " name ": " size " lines; 70 at most")
    }
    if (deepest > 3) {
        fail(FILENAME ":" deepest_line ": " name ": " deepest \
             " levels; 3 at most")
    }
    head = ""
}

END {
    end_of_file()
    printf "%d functions\n", functions
    exit failed
}
