'use strict';
// Nothing that anybody typed stands on a disk in clear, and nothing of an own
// or care space reaches the moderator. The same search is then made on nodes
// that were built to break their promises: it has to find something.
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const test = require('node:test');
const { BIN, run } = require('./lib/daemon');
const { runDemo, temporaryFolder } = require('./lib/rundemo');
const { allFiles, findTexts } = require('./lib/search');

const SABOTAGE_BIN = process.env.ENT_SABOTAGE_BIN;
const HAS_SABOTAGE = Boolean(SABOTAGE_BIN) &&
    fs.existsSync(path.join(SABOTAGE_BIN, 'entented'));
const KEYS = ['CAB', 'HOP', 'CSA', 'MOD'];

// A demo's folders and what was typed in it. `code` is how it has to end.
async function leave(t, env, code = 0) {
    const folder = temporaryFolder();
    t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
    const keep = path.join(folder, 'keep');
    const typedFile = path.join(folder, 'typed.json');
    const done = await runDemo(['--keep', keep, '--typed', typedFile,
        '--patience', code === 0 ? '60' : '5'], env);
    assert.strictEqual(done.code, code, done.stderr);
    return { keep, ...JSON.parse(fs.readFileSync(typedFile, 'utf8')) };
}

function searchDisks({ keep, typed, markers }) {
    const files = [...KEYS.flatMap((key) => allFiles(path.join(keep, key))),
        ...KEYS.map((key) => path.join(keep, `${key}.log`))];
    assert.ok(files.length >= 12, 'too few files to mean anything');
    const texts = new Set([...typed, ...markers.own, ...markers.care]);
    return findTexts(files, [...texts]);
}

// All tables of a node's store, opened with its own key, as text.
async function exportStore(keep, key, bin) {
    const done = await run(path.join(bin, 'store-export'),
        ['--folder', path.join(keep, key), '--key-file',
            path.join(keep, `${key}.key`)], { encoding: 'latin1' });
    assert.strictEqual(done.code, 0, done.stderr);
    return Buffer.from(done.stdout, 'latin1');
}

// What of own and care spaces stands in this export: markers and space ids.
function privateThings(bytes, { markers, spaces }) {
    return [...markers.own, ...markers.care, ...spaces.own, ...spaces.care]
        .filter((text) => bytes.includes(Buffer.from(text)));
}

test('the demo leaves nothing in clear and nothing with the moderator',
    async (t) => {
        const left = await leave(t, {});
        assert.ok(left.markers.own.length > 20);
        assert.ok(left.markers.care.length >= 2);
        assert.ok(left.typed.length > 50);
        assert.deepStrictEqual(searchDisks(left), []);

        const moderator = await exportStore(left.keep, 'MOD', BIN);
        assert.ok(left.spaces.review.length >= 10);
        for (const space of left.spaces.review) {
            assert.ok(moderator.includes(Buffer.from(space)),
                'the moderator holds each review space');
        }
        assert.deepStrictEqual(privateThings(moderator, left), []);
        // The same search sees what is there: at the presenter it all is.
        const presenter = await exportStore(left.keep, 'CSA', BIN);
        assert.ok(privateThings(presenter, left).length > 3);
    });

test('the search finds what an unencrypted store holds',
    { skip: !HAS_SABOTAGE && 'no build with switches' }, async (t) => {
        const left = await leave(t, { ENT_BIN: SABOTAGE_BIN,
            ENTENTE_SABOTAGE: 'plaintext-store' });
        const found = new Set(searchDisks(left).map(({ text }) => text));
        assert.ok(left.markers.own.some((text) => found.has(text)));
        assert.ok(left.markers.care.some((text) => found.has(text)));
    });

test('the search finds what an unchecked sender sends',
    { skip: !HAS_SABOTAGE && 'no build with switches' }, async (t) => {
        const left = await leave(t, { ENT_BIN: SABOTAGE_BIN,
            ENTENTE_SABOTAGE: 'no-sender-check' }, 1);
        // The proofs find it, too: the demo itself ends with a fault.
        const moderator = await exportStore(left.keep, 'MOD', BIN);
        assert.notDeepStrictEqual(privateThings(moderator, left), []);
    });
