'use strict';
// A file of reviewed situations: reading it, and working out what the report
// must say, on its own and without the daemon.
const fs = require('fs');
const path = require('path');
const { CsvError, parseTable } = require('./csv');

const LETTERS = ['P', 'H', 'C'];
const QUESTIONS = ['Q2', 'Q3', 'Q4'];
const LEVELS = ['none', 'low', 'moderate', 'severe', 'fatal'];
const AVOIDABLE = ['yes', 'partly', 'no', 'unknown'];
const COLUMNS = ['id', 'session', 'presenter', 'coop', 'patient_physical',
    'patient_psychological', 'carer', 'avoidable', 'code',
    ...LETTERS.map((x) => `mode_${x}`),
    ...QUESTIONS.flatMap((q) => LETTERS.map((x) => `${q}_${x}`))];
const Z95 = 1.959963984540054;

function catalogueCodes(listName) {
    const folder = path.join(__dirname, '../../../node/kinds/catalogue');
    for (const name of fs.readdirSync(folder)) {
        const text = fs.readFileSync(path.join(folder, name), 'utf8');
        const list = (JSON.parse(text).lists || [])
            .find((l) => l.name === listName);
        if (list) {
            return list.codes.map((c) => c.code);
        }
    }
    throw new Error(`no list "${listName}" in the catalogue`);
}

function oneOf(row, column, allowed) {
    if (!allowed.includes(row[column])) {
        throw new CsvError(row.line, `${column} is "${row[column]}", not one ` +
            `of ${allowed.map((a) => a || '(empty)').join(', ')}`);
    }
    return row[column];
}

function checkRow(row, modes, seen) {
    if (row.id === '') {
        throw new CsvError(row.line, 'id is empty');
    }
    if (seen.has(row.id.toLowerCase())) {
        throw new CsvError(row.line, `id "${row.id}" is there twice`);
    }
    seen.add(row.id.toLowerCase());
    if (!/^[0-9]{1,6}$/.test(row.session) || Number(row.session) < 1) {
        throw new CsvError(row.line,
            `session is "${row.session}", not a number from 1`);
    }
    oneOf(row, 'presenter', LETTERS);
    oneOf(row, 'coop', ['0', '1']);
    oneOf(row, 'patient_physical', LEVELS);
    oneOf(row, 'patient_psychological', LEVELS);
    oneOf(row, 'carer', LEVELS);
    oneOf(row, 'avoidable', AVOIDABLE);
    if (!/^[A-Z0-9-]{0,40}$/.test(row.code)) {
        throw new CsvError(row.line,
            `code is "${row.code}", not capitals, digits and hyphens`);
    }
    LETTERS.forEach((x) => oneOf(row, `mode_${x}`, ['', ...modes]));
    for (const q of QUESTIONS) {
        LETTERS.forEach((x) => oneOf(row, `${q}_${x}`, ['', 'y', 'n', 'u']));
    }
}

function toSituation(row) {
    const perspectives = {};
    for (const x of LETTERS) {
        perspectives[x] = { mode: row[`mode_${x}`] };
        QUESTIONS.forEach((q) => { perspectives[x][q] = row[`${q}_${x}`]; });
    }
    return {
        id: row.id,
        session: Number(row.session),
        presenter: row.presenter,
        coop: row.coop === '1',
        physical: row.patient_physical,
        psychological: row.patient_psychological,
        carer: row.carer,
        avoidable: row.avoidable,
        code: row.code,
        perspectives,
    };
}

// Situations in the order of the file. Throws CsvError.
function parseSituations(text) {
    const rows = parseTable(text, COLUMNS);
    const modes = catalogueCodes('mode');
    const seen = new Set();
    rows.forEach((row) => checkRow(row, modes, seen));
    return rows.map(toSituation);
}

function isReceived(perspective) {
    return QUESTIONS.some((q) => perspective[q] !== '');
}

// ---- What the report must say ----

// A tie at the fifth decimal (an odd multiple of 1/32 only) goes to the even
// neighbour, as in C.
function round4(v) {
    const tie = Math.abs(v * 32) % 2 === 1;
    const up = Number(v.toFixed(4));
    const isOdd = Math.abs(Math.round(up * 1e4)) % 2 === 1;
    return (tie && isOdd ? Number((up - Math.sign(v) * 1e-4).toFixed(4)) :
        up) + 0;
}

function wilson(count, total) {
    if (total === 0) {
        return null;
    }
    const p = count / total;
    const z2 = Z95 * Z95;
    const centre = p + z2 / (2 * total);
    const half = Z95 * Math.sqrt((p * (1 - p) + z2 / (4 * total)) / total);
    const scale = 1 + z2 / total;
    return [round4(Math.max(0, (centre - half) / scale)),
        round4(Math.min(1, (centre + half) / scale))];
}

// By pairs, straight from the definition: observed over expected
// disagreement.
function alpha(units) {
    const pairable = units.filter((values) => values.length >= 2);
    const all = pairable.flat();
    let observed = 0;
    for (const values of pairable) {
        let differing = 0;
        values.forEach((a, i) => values.forEach((b, j) => {
            differing += i !== j && a !== b ? 1 : 0;
        }));
        observed += differing / (values.length - 1);
    }
    const yes = all.filter((v) => v === 'y').length;
    const expected = 2 * yes * (all.length - yes);
    if (expected === 0) {
        return null;
    }
    return round4(1 - (all.length - 1) * observed / expected);
}

function countBy(keys, items) {
    const counts = {};
    keys.forEach((key) => { counts[key] = 0; });
    items.forEach((item) => { counts[item] = (counts[item] || 0) + 1; });
    return counts;
}

function agreement(situations, question) {
    return situations.map((s) => LETTERS
        .map((x) => s.perspectives[x][question])
        .filter((v) => v === 'y' || v === 'n'));
}

function isHarmed(s) {
    return s.physical !== 'none' || s.psychological !== 'none';
}

function expectedReport(situations) {
    const count = (test) => situations.filter(test).length;
    const malfunctions = count((s) => s.coop);
    const harmedOf = count((s) => s.coop && isHarmed(s));
    const carers = count((s) => s.carer !== 'none');
    const perspectives = situations
        .flatMap((s) => LETTERS.map((x) => s.perspectives[x]));
    const byQuestion = (f) => Object.fromEntries(
        QUESTIONS.map((q) => [q, f(agreement(situations, q))]));
    return {
        alpha: byQuestion(alpha),
        avoidable: countBy(AVOIDABLE, situations.map((s) => s.avoidable)),
        by_code: countBy([], situations.map((s) => s.code)
            .filter((code) => code !== '')),
        carer_in_difficulty: carers,
        cooperation_malfunctions: malfunctions,
        diverging: byQuestion((units) => units
            .filter((u) => u.includes('y') && u.includes('n')).length),
        mode_disagreement: count((s) => new Set(LETTERS
            .map((x) => s.perspectives[x].mode)
            .filter((mode) => mode !== '')).size > 1),
        patient_harmed: count(isHarmed),
        patient_harmed_of_malfunctions: harmedOf,
        perspectives_expected: perspectives.length,
        perspectives_received: perspectives.filter(isReceived).length,
        presented_by: countBy(LETTERS, situations.map((s) => s.presenter)),
        situations: situations.length,
        wilson95: {
            carer: wilson(carers, situations.length),
            coop: wilson(malfunctions, situations.length),
            patient_of_coop: wilson(harmedOf, malfunctions),
        },
    };
}

// The keys and numbers that differ, as sentences; none when the reports are
// the same. Figures with decimals may differ by one in the last.
function differences(got, want, where = 'report') {
    if (typeof got === 'number' && typeof want === 'number') {
        const allowed = Number.isInteger(got) && Number.isInteger(want) ?
            0 : 1.5e-4;
        return Math.abs(got - want) <= allowed ? [] :
            [`${where} is ${got}, not ${want}`];
    }
    if (got === null || want === null || typeof got !== 'object' ||
        typeof want !== 'object') {
        return got === want ? [] : [`${where} is ${got}, not ${want}`];
    }
    const keys = new Set([...Object.keys(got), ...Object.keys(want)]);
    return [...keys].flatMap((key) => {
        if (!(key in got) || !(key in want)) {
            return [`${where}.${key} is ${key in got ? 'too much' :
                'missing'}`];
        }
        return differences(got[key], want[key], `${where}.${key}`);
    });
}

// ---- Made-up files ----

// Numbers from 0 to 1, the same for the same seed.
function randomFrom(seed) {
    let state = seed >>> 0;
    return () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return (state >>> 8) / 0x1000000;
    };
}

// A file of the same form with `count` situations.
function generate(count, seed) {
    const random = randomFrom(seed);
    const pick = (list) => list[Math.floor(random() * list.length)];
    const modes = [...catalogueCodes('mode'), ''];
    const codes = catalogueCodes('malfunction');
    const lines = [COLUMNS.join(',')];
    let session = 1;
    for (let i = 1; i <= count; i++) {
        const answers = LETTERS.map(() => (random() < 0.2 ? ['', '', ''] :
            QUESTIONS.map(() => pick(['y', 'y', 'n', 'n', 'u', '']))));
        lines.push([`T${String(i).padStart(3, '0')}`, session, pick(LETTERS),
            pick(['0', '1', '1']), pick(LEVELS), pick(LEVELS), pick(LEVELS),
            pick(AVOIDABLE), pick(codes),
            ...LETTERS.map(() => pick(modes)),
            ...QUESTIONS.flatMap((q, k) => answers.map((a) => a[k]))]
            .join(','));
        session += random() < 0.6 ? 1 : 0;
    }
    return lines.join('\n') + '\n';
}

module.exports = { AVOIDABLE, COLUMNS, LETTERS, LEVELS, QUESTIONS,
    catalogueCodes, differences, expectedReport, generate, isReceived,
    parseSituations };
