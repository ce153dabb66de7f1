'use strict';
// The demo as a person runs it: its numbers, other files, several at once,
// Ctrl-C, and what it says of a file that is off.
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const test = require('node:test');
const { until } = require('./lib/daemon');
const { expectedReport, generate, parseSituations } =
    require('./lib/review');
const { processesWith, runDemo, startDemo, temporaryFolder } =
    require('./lib/rundemo');

const DATA = path.join(__dirname, '../data');
const EXPECTED = JSON.parse(
    fs.readFileSync(path.join(DATA, 'expected_report.json'), 'utf8'));
const NAMES = ['Cabinet Martin', 'Hôpital du Lac', 'CSAPA Nord',
    'Animation Revue'];

function readJson(file) {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
}

test('the review fixture, in less than two minutes', async (t) => {
    const folder = temporaryFolder();
    t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
    const json = path.join(folder, 'report.json');
    const started = Date.now();
    const run = await runDemo(['--json', json, '--keep',
        path.join(folder, 'keep')]);
    assert.strictEqual(run.code, 0, run.stderr);
    assert.ok(Date.now() - started < 120000);
    assert.deepStrictEqual(readJson(json), EXPECTED);
    for (const name of NAMES) {
        assert.ok(run.stdout.includes(`== ${name}`), name);
    }
    assert.strictEqual(
        run.stdout.split('proved equal with 3 of 3').length - 1, 4);
    assert.ok(run.stderr.includes('Hôpital du Lac is cut off'));
    assert.ok(run.stderr.includes('was killed and is back'));
    for (const key of ['CAB', 'HOP', 'CSA', 'MOD']) {
        assert.ok(fs.existsSync(path.join(folder, 'keep', key)));
    }
    assert.deepStrictEqual(processesWith(folder), []);
});

test('two other files at the same time', async (t) => {
    const folder = temporaryFolder();
    t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
    const runs = [[12, 3], [7, 11]].map(([count, seed]) => {
        const text = generate(count, seed);
        const file = path.join(folder, `${seed}.csv`);
        const json = path.join(folder, `${seed}.json`);
        fs.writeFileSync(file, text);
        return { json, text, demo: runDemo([file, '--json', json]) };
    });
    for (const { json, text, demo } of runs) {
        const run = await demo;
        assert.strictEqual(run.code, 0, run.stderr);
        assert.deepStrictEqual(readJson(json),
            expectedReport(parseSituations(text)));
    }
});

test('a file without situations', async (t) => {
    const folder = temporaryFolder();
    t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
    const file = path.join(folder, 'none.csv');
    fs.writeFileSync(file, generate(0, 1));
    const run = await runDemo([file, '--json', '-']);
    assert.strictEqual(run.code, 0, run.stderr);
    assert.deepStrictEqual(JSON.parse(run.stdout), expectedReport([]));
});

test('a file that is off is refused before anything starts', async (t) => {
    const folder = temporaryFolder();
    t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
    const file = path.join(folder, 'bad.csv');
    fs.writeFileSync(file, generate(3, 1) + 'T004,1,P\n');
    const run = await runDemo([file]);
    assert.strictEqual(run.code, 2);
    assert.match(run.stderr, /bad\.csv, line 5: 3 cells where 21 belong/);
    const missing = await runDemo([path.join(folder, 'no.csv')]);
    assert.strictEqual(missing.code, 2);
    const word = await runDemo(['--unheard-of']);
    assert.strictEqual(word.code, 2);
});

test('Ctrl-C leaves neither process nor folder', async (t) => {
    const folder = temporaryFolder();
    t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
    const run = startDemo([], { TMPDIR: folder });
    await until('the circle is founded', () =>
        run.stderr.includes('voted in'), 60000);
    assert.ok(processesWith(folder).length >= 4);
    run.child.kill('SIGINT');
    const ended = await run.done;
    assert.strictEqual(ended.code, 130, ended.stderr);
    assert.deepStrictEqual(processesWith(folder), []);
    assert.deepStrictEqual(fs.readdirSync(folder), []);
});

test('with --keep-running the nodes stay until Ctrl-C', async (t) => {
    const folder = temporaryFolder();
    t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
    const file = path.join(folder, 'one.csv');
    fs.writeFileSync(file, generate(1, 4));
    const run = startDemo([file, '--keep-running'], { TMPDIR: folder });
    await until('the demo says where to look',
        () => run.stdout.includes('Ctrl-C stops them'), 120000);
    assert.match(run.stdout, /entente status --node /);
    assert.ok(processesWith(`${folder}/entente-demo-`).length >= 4);
    run.child.kill('SIGINT');
    assert.strictEqual((await run.done).code, 0);
    assert.deepStrictEqual(processesWith(`${folder}/entente-demo-`), []);
});
