'use strict';
// Strangers at the door: garbage, huge lengths, trickles, a thousand half-open
// connections, invitations that are wrong, used or expired. Each gets silence
// or a named refusal, memory stays small, and the circle goes on.
const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');
const net = require('net');
const path = require('path');
const test = require('node:test');
const { Circle } = require('./lib/circle');
const { codesAt, provedAll, verifyAll } = require('./lib/checks');
const { BIN, Daemon, sleep, stopAll, until } = require('./lib/daemon');
const { temporaryFolder } = require('./lib/rundemo');

const RSS_KIB_MAX = 64 * 1024;
const HALF_OPEN = 1000;
// The sanitizers' own memory says nothing about ours.
const IS_INSTRUMENTED = /build-(asan|tsan|cov)/.test(BIN);

let folder;
let circle;

function residentKib(node) {
    const status = fs.readFileSync(`/proc/${node.process.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)[1]);
}

// Sends pieces with pauses. Gives what came back before the node hung up, or
// null when it had not after `limitMs`.
function knock(port, pieces, { pauseMs = 0, limitMs = 15000 } = {}) {
    return new Promise((resolve) => {
        const socket = net.createConnection(port, '127.0.0.1');
        const came = [];
        let isOver = false;
        const end = (result) => {
            isOver = true;
            clearTimeout(timer);
            socket.destroy();
            resolve(result);
        };
        const timer = setTimeout(() => end(null), limitMs);
        socket.on('data', (data) => came.push(data));
        socket.on('error', () => {});
        socket.on('close', () => end(Buffer.concat(came)));
        socket.on('connect', async () => {
            for (const piece of pieces) {
                if (isOver) {
                    return;
                }
                socket.write(piece);
                await sleep(pauseMs);
            }
        });
    });
}

async function circleGoesOn(code) {
    const node = circle.node('CSA');
    await node.call('situation.draft', { code, title: `Situation ${code}` });
    await node.call('situation.offer', { situation: code,
        basis: 'de-identified-review', recognisable: 'no' });
    for (const other of circle.nodes) {
        await until(`${other.key} sees ${code}`,
            async () => (await codesAt(other)).has(code));
    }
    for (const other of IS_INSTRUMENTED ? [] : circle.nodes) {
        const kib = residentKib(other);
        assert.ok(kib < RSS_KIB_MAX, `${other.key} used ${kib} KiB`);
    }
}

test.before(async () => {
    folder = temporaryFolder();
    circle = new Circle(folder);
    await circle.startNodes(() => {});
    await circle.gather(() => {});
});

test.after(async () => {
    await stopAll();
    circle.network.close();
    fs.rmSync(folder, { recursive: true, force: true });
});

test('bytes that mean nothing get silence', async () => {
    const { port } = circle.node('HOP');
    const preface = Buffer.concat([Buffer.from('ENT1'),
        Buffer.from([1, 1, 0, 0]), crypto.randomBytes(16)]);
    const knocks = [
        [crypto.randomBytes(512)],
        [Buffer.from('GET / HTTP/1.1\r\n\r\n')],
        [preface, crypto.randomBytes(600)],
        [Buffer.from('ENT1'), Buffer.from([9, 9, 0, 0]),
            crypto.randomBytes(100)],
        // A length of 1 GiB, and an array of four billion elements.
        [preface, Buffer.from([0x40, 0, 0, 0])],
        [Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])],
        [],
    ];
    for (const pieces of knocks) {
        const came = await knock(port, pieces);
        assert.ok(came !== null, 'the node hangs up');
        assert.strictEqual(came.length, 0, 'and says nothing');
    }
    await circleGoesOn('GARBAGE');
});

test('one byte a second is not waited for', async () => {
    const started = Date.now();
    const bytes = Array.from({ length: 60 }, () => Buffer.from('E'));
    const came = await knock(circle.node('HOP').port, bytes,
        { pauseMs: 1000, limitMs: 30000 });
    assert.ok(came !== null);
    assert.strictEqual(came.length, 0);
    assert.ok(Date.now() - started < 15000, 'five seconds, and some');
});

test(`${HALF_OPEN} half-open connections`, async (t) => {
    const { port } = circle.node('HOP');
    const sockets = Array.from({ length: HALF_OPEN }, () => {
        const socket = net.createConnection(port, '127.0.0.1');
        socket.on('error', () => {});
        socket.resume(); // else its end is never seen
        return socket;
    });
    t.after(() => sockets.forEach((socket) => socket.destroy()));
    await sleep(500);
    await circleGoesOn('HALF-OPEN');
    await until(() => `${sockets.filter((s) => !s.destroyed).length} are open`,
        () => sockets.every((socket) => socket.destroyed), 30000);
});

test('invitations that are wrong, used or expired', async () => {
    const inviter = circle.node('CAB');
    const make = async (valid) => (await inviter.call('invite',
        { role: 'member', ...valid })).invitation;
    const stranger = new Daemon({ base: folder, key: 'STR',
        name: 'Inconnue', sector: 'social' });
    await stranger.init();
    await stranger.start();
    const joinFails = async (invitation) => {
        try {
            const { join } = await stranger.call('join', { invitation });
            const failed = await until('the joining fails', async () => {
                const { joins } = await stranger.call('join.status');
                return joins.find((j) => j.join === join &&
                    j.state === 'failed');
            });
            return failed.reason;
        } catch (error) {
            assert.ok(error.exit, error.message);
            return error.code;
        }
    };
    const good = await make({});
    const middle = Math.floor(good.length / 2);
    const flipped = good.slice(0, middle) +
        (good[middle] === 'a' ? 'b' : 'a') + good.slice(middle + 1);
    assert.ok(await joinFails('not an invitation'));
    assert.ok(await joinFails(flipped));
    const brief = await make({ valid_ms: 1 });
    await sleep(50);
    assert.match(await joinFails(brief), /expired/);
    const { members } = await inviter.call('circle.members');
    assert.strictEqual(members.length, 4, 'nobody came in');
    await stranger.stop();
    await circleGoesOn('STRANGER');
});

test('after all that everybody has proved the same', async () => {
    await provedAll(circle);
    await verifyAll(circle);
    const log = fs.readFileSync(path.join(folder, 'HOP.log'), 'utf8');
    assert.ok(log.split('\n').length < 5000, 'strangers cannot fill the log');
});
