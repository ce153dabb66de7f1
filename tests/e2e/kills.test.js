'use strict';
// kill -9 of any node at random moments under traffic: what was acknowledged
// is there, no log forks, all converge.
const assert = require('assert');
const fs = require('fs');
const test = require('node:test');
const { Circle } = require('./lib/circle');
const { codesAt, provedAll, rebuildAll, verifyAll } = require('./lib/checks');
const { sleep, stopAll } = require('./lib/daemon');
const { temporaryFolder } = require('./lib/rundemo');

const KILLS = 200;

class Traffic {
    constructor(circle) {
        this.circle = circle;
        this.drafted = new Map(); // node key → acknowledged codes
        this.offered = new Set();
        this.isOver = false;
        this.count = 0;
    }

    // A call that may be lost to a kill: true when it was acknowledged.
    async isAcknowledged(node, method, params) {
        try {
            await node.call(method, params);
            return true;
        } catch (error) {
            if (error.code && error.code !== 'closed' &&
                error.code !== 'not-found') {
                throw error; // a refusal would be a fault of its own
            }
            return false;
        }
    }

    async work(node) {
        const mine = new Set();
        this.drafted.set(node.key, mine);
        for (let i = 0; !this.isOver; i++) {
            const code = `${node.key}-${i}`;
            if (await this.isAcknowledged(node, 'situation.draft',
                { code, title: `Situation ${code}` })) {
                mine.add(code);
                this.count++;
                if (i % 5 === 0 && await this.isAcknowledged(node,
                    'situation.offer', { situation: code,
                        basis: 'de-identified-review',
                        recognisable: 'no' })) {
                    this.offered.add(code);
                }
            }
            await sleep(node.rpc ? 5 : 30);
        }
    }
}

test(`${KILLS} kills under traffic`, async (t) => {
    const folder = temporaryFolder();
    t.after(async () => {
        await stopAll();
        circle.network.close();
        fs.rmSync(folder, { recursive: true, force: true });
    });
    const circle = new Circle(folder);
    await circle.startNodes(() => {});
    await circle.gather(() => {});
    const traffic = new Traffic(circle);
    const work = circle.structures.map((node) => traffic.work(node));
    for (let i = 0; i < KILLS; i++) {
        const node = circle.nodes[Math.floor(Math.random() *
            circle.nodes.length)];
        await sleep(Math.random() * 60);
        await circle.kill(node);
        await circle.start(node);
    }
    traffic.isOver = true;
    await Promise.all(work);
    assert.ok(traffic.count > KILLS / 4, `${traffic.count} writes only`);

    await provedAll(circle, 120000);
    for (const node of circle.nodes) {
        const codes = await codesAt(node);
        const wanted = [...(traffic.drafted.get(node.key) || []),
            ...traffic.offered];
        assert.deepStrictEqual(wanted.filter((code) => !codes.has(code)), [],
            `${node.key} lacks what was acknowledged`);
    }
    await verifyAll(circle);
    await rebuildAll(circle);
    t.diagnostic(`${traffic.count} writes acknowledged, ` +
        `${traffic.offered.size} offered`);
});
