'use strict';
// Two nodes with no network between them share by a stick: each made file is
// carried by hand, and in the end both say that nothing waits, with proof.
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const test = require('node:test');
const { Circle } = require('./lib/circle');
const { codesAt, rebuildAll, verifyAll } = require('./lib/checks');
const { stopAll, until } = require('./lib/daemon');
const { temporaryFolder } = require('./lib/rundemo');

const HERE = 'CAB';
const THERE = 'HOP';

async function offer(node, code) {
    await node.call('situation.draft', { code, title: `Situation ${code}` });
    await node.call('situation.offer', { situation: code,
        basis: 'de-identified-review', recognisable: 'no' });
}

// A file from one to the other, by the command line.
async function carry(from, to, file) {
    const made = await from.cli('bundle', 'make', file, '--to', to.name,
        '--json');
    assert.strictEqual(made.code, 0, made.stderr);
    assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600);
    const read = await to.cli('bundle', 'read', file, '--json');
    assert.strictEqual(read.code, 0, read.stdout + read.stderr);
    assert.strictEqual(read.json.sender_name, from.name);
    return read.json;
}

async function looksAt(node, other) {
    const { peers } = await node.call('status');
    return peers.find((peer) => peer.name === other.name);
}

async function refused(node, file, code) {
    const read = await node.cli('bundle', 'read', file, '--json');
    assert.strictEqual(read.code, 1, read.stdout);
    assert.strictEqual(read.json.error.code, code);
    assert.ok(read.json.error.text && read.json.error.hint, read.stdout);
}

test('a stick carried back and forth', async (t) => {
    const folder = temporaryFolder();
    const circle = new Circle(folder);
    t.after(async () => {
        await stopAll();
        circle.network.close();
        fs.rmSync(folder, { recursive: true, force: true });
    });
    await circle.startNodes(() => {});
    await circle.gather(() => {});
    const here = circle.node(HERE);
    const there = circle.node(THERE);
    const file = path.join(folder, 'stick.entente');
    const old = path.join(folder, 'old.entente');

    // From now on nobody hears anybody.
    circle.nodes.forEach((node) => circle.network.cut(node.key));
    await until('they are apart', async () =>
        !(await looksAt(here, there)).connected &&
        !(await looksAt(there, here)).connected);
    await offer(here, 'STICK-1');
    await offer(there, 'STICK-2');
    assert.ok((await looksAt(here, there)).waiting_out > 0);

    await t.test('three trips, and both know', async () => {
        const first = await carry(here, there, file);
        assert.strictEqual(first.state, 'complete');
        assert.ok(first.entries > 0);
        fs.copyFileSync(file, old);
        assert.ok((await codesAt(there)).has('STICK-1'));
        const back = await carry(there, here, file);
        assert.ok(back.proved, JSON.stringify(back));
        assert.ok((await codesAt(here)).has('STICK-2'));
        const third = await carry(here, there, file);
        assert.ok(third.proved, JSON.stringify(third));
        for (const [a, b] of [[here, there], [there, here]]) {
            const look = await looksAt(a, b);
            assert.strictEqual(look.waiting_out, 0);
            assert.strictEqual(look.waiting_in, 0);
            assert.strictEqual(look.connected, false);
            assert.ok(look.proved_equal_at >= back.made_at, `${a.key}`);
        }
        const mine = await here.call('situation.list');
        const theirs = await there.call('situation.list');
        assert.deepStrictEqual(mine.situations.map((s) => s.code).sort(),
            theirs.situations.map((s) => s.code).sort());
    });

    await t.test('what is known is not told again', async () => {
        await carry(there, here, file);
        const made = await here.cli('bundle', 'make', file, '--to',
            there.name, '--json');
        assert.strictEqual(made.json.runs, 0);
        const again = await there.cli('bundle', 'read', old, '--json');
        assert.strictEqual(again.json.state, 'repeated');
        assert.strictEqual(again.json.entries, 0);
        assert.strictEqual((await looksAt(there, here)).waiting_out, 0);
    });

    await t.test('for everybody at once', async () => {
        await offer(here, 'STICK-3');
        const made = await here.cli('bundle', 'make', file, '--all', '--json');
        assert.strictEqual(made.json.to.length, 3);
        for (const node of circle.nodes.filter((n) => n !== here)) {
            const read = await node.cli('bundle', 'read', file, '--json');
            assert.strictEqual(read.code, 0, read.stdout);
            assert.ok((await codesAt(node)).has('STICK-3'), node.key);
        }
    });

    await t.test('more than one transaction', async () => {
        const text = 'Une page de compte rendu. '.repeat(450);
        for (let i = 0; i < 50; i++) {
            await here.call('situation.draft', { code: `LONG-${i}`, text,
                title: 'Long' });
            await here.call('situation.offer', { situation: `LONG-${i}`,
                basis: 'de-identified-review', recognisable: 'no' });
        }
        const made = await here.cli('bundle', 'make', file, '--to',
            there.name, '--json');
        assert.ok(made.json.bytes > 512 * 1024, made.stdout);
        const [read, ...others] = await Promise.all([
            there.cli('bundle', 'read', file, '--json'),
            ...Array.from({ length: 5 }, (_, i) => there.call(
                'situation.draft', { code: `MINE-${i}`, title: 'Mine' })),
        ]);
        assert.strictEqual(read.json.state, 'complete', read.stdout);
        assert.strictEqual(others.length, 5);
        const codes = await codesAt(there);
        for (let i = 0; i < 50; i++) {
            assert.ok(codes.has(`LONG-${i}`));
        }
    });

    await t.test('refusals have names', async () => {
        const bad = path.join(folder, 'bad.entente');
        await refused(here, file, 'bundle.not-for-us');
        fs.writeFileSync(bad, 'nothing of ours');
        await refused(there, bad, 'bundle.not-a-bundle');
        await refused(there, path.join(folder, 'absent'), 'bundle.file');
        await here.cli('bundle', 'make', file, '--to', there.name);
        const one = fs.readFileSync(file);
        one[one.length - 1] ^= 1;
        fs.writeFileSync(bad, one);
        await refused(there, bad, 'bundle.damaged');
        one[8] ^= 1;
        fs.writeFileSync(bad, one);
        await refused(there, bad, 'bundle.altered-header');
        fs.writeFileSync(bad, one.subarray(0, 100));
        await refused(there, bad, 'bundle.cut');
        const nobody = await here.cli('bundle', 'make', file, '--json');
        assert.strictEqual(nobody.code, 2);
        const stranger = await here.cli('bundle', 'make', file, '--to',
            'Nobody At All', '--json');
        assert.strictEqual(stranger.code, 5);
    });

    await verifyAll(circle);
    await rebuildAll(circle);
    circle.nodes.forEach((node) => circle.network.heal(node.key));
    const proof = await circle.allProved();
    assert.ok(proof.isProved, JSON.stringify(proof.looks, null, 1));
});
