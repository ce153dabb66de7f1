'use strict';
// Looks for texts in every byte of every file under a folder.
const fs = require('fs');
const path = require('path');

function allFiles(folder) {
    return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const at = path.join(folder, entry.name);
        if (entry.isDirectory()) {
            return allFiles(at);
        }
        return entry.isFile() ? [at] : [];
    });
}

// [{ file, text, at }], at most one for each file and text. Texts shorter
// than 8 bytes are left out: they could stand anywhere by chance.
function findTexts(files, texts) {
    const needles = texts.map((text) => ({ text, bytes: Buffer.from(text) }))
        .filter((needle) => needle.bytes.length >= 8);
    return files.flatMap((file) => {
        const bytes = fs.readFileSync(file);
        return needles
            .map(({ text, bytes: needle }) => ({ file, text,
                at: bytes.indexOf(needle) }))
            .filter((found) => found.at >= 0);
    });
}

module.exports = { allFiles, findTexts };
