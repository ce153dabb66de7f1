'use strict';
// A node's folder is lost and an older copy put back: it says so, gets its
// own entries back from its peers, writes on, and nobody sees a fork.
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const test = require('node:test');
const { Circle } = require('./lib/circle');
const { codesAt, provedAll, verifyAll } = require('./lib/checks');
const { stopAll, until } = require('./lib/daemon');
const { temporaryFolder } = require('./lib/rundemo');

async function offer(node, code) {
    await node.call('situation.draft', { code, title: `Situation ${code}` });
    await node.call('situation.offer', { situation: code,
        basis: 'de-identified-review', recognisable: 'no' });
}

async function everybodySees(circle, code) {
    for (const node of circle.nodes) {
        await until(`${node.key} sees ${code}`,
            async () => (await codesAt(node)).has(code));
    }
}

test('yesterday\'s copy of a folder', async (t) => {
    const folder = temporaryFolder();
    const circle = new Circle(folder);
    t.after(async () => {
        await stopAll();
        circle.network.close();
        fs.rmSync(folder, { recursive: true, force: true });
    });
    await circle.startNodes(() => {});
    await circle.gather(() => {});
    const node = circle.node('CSA');
    await offer(node, 'OLD-1');
    await everybodySees(circle, 'OLD-1');
    assert.ok(!node.info.incarnation_note, 'nothing to say yet');

    circle.network.down('CSA');
    await node.stop();
    const copy = path.join(folder, 'yesterday');
    fs.cpSync(node.folder, copy, { recursive: true });
    await circle.start(node);
    await offer(node, 'NEW-1');
    await everybodySees(circle, 'NEW-1');
    await provedAll(circle);

    await circle.kill(node);
    fs.rmSync(node.folder, { recursive: true });
    fs.renameSync(copy, node.folder);
    await circle.start(node);
    await until('the node says that it was restored', async () =>
        (await node.call('node.info')).incarnation_note);
    await until('its own entries are back',
        async () => (await codesAt(node)).has('NEW-1'));
    await offer(node, 'AFTER-1');
    await everybodySees(circle, 'AFTER-1');
    await provedAll(circle);
    await verifyAll(circle);
});
