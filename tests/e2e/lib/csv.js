'use strict';
// Comma-separated values: quotes, CRLF, a byte order mark. What is malformed
// is refused with its line number.

class CsvError extends Error {
    constructor(line, what) {
        super(`line ${line}: ${what}`);
        this.line = line;
    }
}

// One cell from `at`. Returns { cell, at } with `at` on what follows it.
function readCell(text, at, line) {
    if (text[at] !== '"') {
        let end = at;
        while (end < text.length && !',\r\n'.includes(text[end])) {
            if (text[end] === '"') {
                throw new CsvError(line, 'a quote inside a bare cell');
            }
            end++;
        }
        return { cell: text.slice(at, end), at: end };
    }
    let cell = '';
    for (let i = at + 1; i < text.length; i++) {
        if (text[i] !== '"') {
            cell += text[i];
        } else if (text[i + 1] === '"') {
            cell += '"';
            i++;
        } else {
            return { cell, at: i + 1 };
        }
    }
    throw new CsvError(line, 'a quote that is never closed');
}

// Past the end of a line, or `at` when it is not there.
function skipLineEnd(text, at) {
    if (text[at] === '\r' && text[at + 1] === '\n') {
        return at + 2;
    }
    return text[at] === '\n' ? at + 1 : at;
}

// [{ line, cells }], blank lines left out.
function parseRows(text) {
    const rows = [];
    let at = text.startsWith('\ufeff') ? 1 : 0;
    let line = 1;
    while (at < text.length) {
        const row = { line, cells: [] };
        const start = at;
        for (;;) {
            const read = readCell(text, at, row.line);
            row.cells.push(read.cell);
            at = read.at;
            if (text[at] !== ',') {
                break;
            }
            at++;
        }
        const next = skipLineEnd(text, at);
        if (next === at && at < text.length) {
            throw new CsvError(row.line, 'something after a closing quote, ' +
                'or a bare carriage return');
        }
        line += text.slice(start, next).split('\n').length - 1;
        at = next;
        if (row.cells.length > 1 || row.cells[0] !== '') {
            rows.push(row);
        }
    }
    return rows;
}

// Objects by column name, each with `line`. `columns` are the names that must
// be there, in any order, and no others.
function parseTable(text, columns) {
    const rows = parseRows(text);
    if (rows.length === 0) {
        throw new CsvError(1, 'the file is empty');
    }
    const names = rows[0].cells.map((name) => name.trim());
    for (const name of columns) {
        if (!names.includes(name)) {
            throw new CsvError(rows[0].line, `column "${name}" is missing`);
        }
    }
    names.forEach((name, i) => {
        if (!columns.includes(name) || names.indexOf(name) !== i) {
            throw new CsvError(rows[0].line,
                `column "${name}" is unknown or there twice`);
        }
    });
    return rows.slice(1).map(({ line, cells }) => {
        if (cells.length !== names.length) {
            throw new CsvError(line,
                `${cells.length} cells where ${names.length} belong`);
        }
        const row = { line };
        names.forEach((name, i) => { row[name] = cells[i].trim(); });
        return row;
    });
}

module.exports = { CsvError, parseRows, parseTable };
