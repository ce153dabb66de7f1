'use strict';
// Callers that know how to speak: not a member, not invited, invited too late
// or a second time, bytes flipped in flight, messages that lie about their
// size, a thousand callers from many addresses. Each is refused by name in the
// log, or met with silence; the daemon stays small and its peers stay equal.
const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');
const net = require('net');
const path = require('path');
const test = require('node:test');
const { BIN, Daemon, sleep, stopAll, until } = require('./lib/daemon');
const { Caller, JOIN, MEMBER, hash } = require('./lib/noise');
const { temporaryFolder } = require('./lib/rundemo');

const RSS_KIB_MAX = 64 * 1024;
// The sanitizers' own memory says nothing about ours.
const IS_INSTRUMENTED = /build-(asan|tsan|cov)/.test(BIN);
const FOUR_BILLION = Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]);
const JOIN_CALLER = 17;
const JOIN_CONFIRM = 19;

let folder;
let inviter; // is knocked at
let friend; // a member that must not notice

function freePort() {
    return new Promise((resolve) => {
        const server = net.createServer();
        server.listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

async function startNode(key, name, runOptions) {
    const port = await freePort();
    const node = new Daemon({ base: folder, key, name, sector: 'social',
        advertise: `127.0.0.1:${port}` });
    node.runOptions = ['--listen', `0.0.0.0:${port}`, '--inspectable', 'yes',
        '--backoff-max-ms', '2000', ...runOptions];
    await node.init();
    await node.start();
    return node;
}

function logOf(node) {
    return fs.readFileSync(node.logFile, 'utf8');
}

function countIn(node, text) {
    return logOf(node).split(text).length - 1;
}

// The log names the refusal again, within a few seconds.
async function refusedAs(reason, before) {
    await until(`the log says ${reason}`,
        () => countIn(inviter, `: ${reason} (`) > before, 10000);
}

function residentKib(node) {
    const status = fs.readFileSync(`/proc/${node.process.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)[1]);
}

// What an invitation's text holds.
function readTicket(text) {
    const bytes = Buffer.from(text.replace(/^entente1-/, ''), 'base64url');
    const part = (at) => Buffer.from(bytes.subarray(at, at + 32));
    // An array of ten: id (8 bytes), secret, circle, inviter, transport key …
    assert.strictEqual(bytes[0], 0x9a);
    return { psk: hash('entente/invite-psk/1', part(13)),
        transport: part(115) };
}

async function invite(more = {}) {
    return (await inviter.call('invite', { role: 'member', ...more }))
        .invitation;
}

async function joined(node, invitation, state = 'member') {
    await node.call('join', { invitation });
    const code = await until('both show digits', async () => {
        const { joins } = await node.call('join.status');
        return joins[0].code;
    });
    await inviter.call('invite.confirm', { code, compared: true });
    await node.call('join.confirm', { code });
    await until(`${node.key} is ${state}`, async () => {
        const { joins } = await node.call('join.status');
        return joins[0].state === state;
    });
}

function equal(who) {
    return until('both are proved equal', async () => {
        const { peers } = await who.call('sync', { wait_ms: 2000 });
        return peers.length > 0 && peers.every((peer) => peer.proved);
    }, 30000);
}

let transport;
let knockCount = 0;

// Each stranger comes from an address of its own, as far as loopback goes.
function caller(at) {
    knockCount++;
    return new Caller({ port: inviter.port, transport,
        from: `127.0.2.${knockCount}`, ...at }).connect();
}

test.before(async () => {
    folder = temporaryFolder();
    inviter = await startNode('INV', 'Cabinet Martin', []);
    friend = await startNode('FRI', 'CSAPA Nord', []);
    await inviter.call('circle.found', { name: 'Cercle Nord' });
    const text = await invite();
    transport = readTicket(text).transport;
    await joined(friend, text);
    await equal(inviter);
});

test.after(async () => {
    await stopAll();
    fs.rmSync(folder, { recursive: true, force: true });
});

test('somebody who is not a member', async () => {
    const before = countIn(inviter, ': stranger (');
    const stranger = await caller({ pattern: MEMBER });
    assert.ok(await stranger.begin(), 'the gate is known, so it answers');
    stranger.prove();
    assert.strictEqual(await stranger.receive(), null, 'and not a byte more');
    await refusedAs('stranger', before);
});

test('an invitation that was never given', async () => {
    const before = countIn(inviter, ': invitation-unknown (');
    const stranger = await caller({ pattern: JOIN,
        psk: crypto.randomBytes(32) });
    assert.ok(await stranger.begin());
    stranger.prove();
    assert.strictEqual(await stranger.receive(), null);
    await refusedAs('invitation-unknown', before);
});

test('an invitation that was used', async () => {
    const before = countIn(inviter, ': invitation-used (');
    const { invitations } = await inviter.call('invite.list');
    assert.ok(invitations.some((one) => one.state === 'used'));
    const text = await invite();
    const third = await startNode('THI', 'Maison du Parc', []);
    await joined(third, text, 'waiting-for-vote');
    await third.stop();
    const stranger = await caller({ pattern: JOIN,
        psk: readTicket(text).psk });
    assert.ok(await stranger.begin());
    stranger.prove();
    assert.strictEqual(await stranger.receive(), null);
    await refusedAs('invitation-used', before);
});

test('an invitation that has expired', async () => {
    const before = countIn(inviter, ': invitation-expired (');
    const { psk } = readTicket(await invite({ valid_ms: 1 }));
    await sleep(50);
    const stranger = await caller({ pattern: JOIN, psk });
    assert.ok(await stranger.begin());
    stranger.prove();
    assert.strictEqual(await stranger.receive(), null);
    await refusedAs('invitation-expired', before);
});

test('one flipped bit in each part of the third message', async () => {
    const { psk } = readTicket(await invite());
    for (const at of [0, 31, 40, 60, 200, 303]) {
        const stranger = await caller({ pattern: JOIN, psk,
            spoil: (bytes) => {
                bytes[at] ^= 0x10;
                return bytes;
            } });
        assert.ok(await stranger.begin());
        stranger.prove();
        assert.strictEqual(await stranger.receive(), null, `byte ${at}`);
    }
    const text = logOf(inviter);
    assert.ok(/handshake-failed|decryption-failed|invitation-unknown/
        .test(text));
});

async function invitedCaller() {
    const stranger = await caller({ pattern: JOIN,
        psk: readTicket(await invite()).psk });
    assert.ok(await stranger.begin());
    stranger.prove();
    const commit = await stranger.receive();
    assert.strictEqual(commit.type, 16);
    return stranger;
}

test('invited, and then a flipped byte in a record', async () => {
    const before = countIn(inviter, 'decryption-failed');
    const stranger = await invitedCaller();
    const record = stranger.record(JOIN_CALLER, Buffer.from([0x91, 0xc4, 0]));
    record[100] ^= 1;
    stranger.socket.write(record);
    assert.strictEqual(await stranger.receive(), null);
    await until('named', () =>
        countIn(inviter, 'decryption-failed') > before);
});

test('invited, and then five bytes that announce four billion', async () => {
    const before = countIn(inviter, ': malformed');
    const stranger = await invitedCaller();
    stranger.send(JOIN_CALLER, FOUR_BILLION);
    assert.strictEqual(await stranger.receive(), null);
    await until('named', () => countIn(inviter, ': malformed') > before);
});

test('invited, and confirming before there are digits', async () => {
    const stranger = await invitedCaller();
    stranger.send(JOIN_CONFIRM, Buffer.from([0x90]));
    assert.strictEqual(await stranger.receive(), null);
});

test('invited, and a type of message nobody knows', async () => {
    const stranger = await invitedCaller();
    stranger.send(0x7f, Buffer.from([0x90]));
    assert.strictEqual(await stranger.receive(), null);
});

test('invited, and a record longer than any', async () => {
    const stranger = await invitedCaller();
    stranger.socket.write(Buffer.from([0xff, 0xfe]));
    stranger.socket.write(Buffer.alloc(1024));
    assert.strictEqual(await stranger.receive(), null);
});

// Bytes straight into the Unix socket. Gives what came before the end.
function local(bytes) {
    return new Promise((resolve, reject) => {
        const socket = net.createConnection(
            path.join(inviter.folder, 'entented.sock'));
        const came = [];
        const timer = setTimeout(() => reject(new Error('not hung up')),
            10000);
        socket.on('error', () => {});
        socket.on('data', (data) => came.push(data));
        socket.on('close', () => {
            clearTimeout(timer);
            resolve(Buffer.concat(came));
        });
        socket.on('connect', () => socket.write(bytes));
    });
}

test('the local socket: 1 GiB announced, four billion elements', async () => {
    const frame = (body) => {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(body.length);
        return Buffer.concat([length, body]);
    };
    const huge = await local(Buffer.from([0x40, 0, 0, 0, 1, 2, 3]));
    assert.strictEqual(huge.length, 0);
    assert.ok(logOf(inviter).includes('closed a client: too-big'));
    await sleep(1100); // one line a second is told
    const many = await local(frame(FOUR_BILLION));
    assert.strictEqual(many.length, 0);
    assert.ok(logOf(inviter).includes('closed a client: malformed'));
});

test('the local socket: a method that is none', async () => {
    await assert.rejects(inviter.call('make.coffee'),
        { code: 'usage.unknown-method', exit: 2 });
});

test('a thousand callers from two hundred addresses', async () => {
    const sockets = [];
    for (let i = 0; i < 1000; i++) {
        const socket = net.createConnection({ port: inviter.port,
            host: '127.0.0.1', localAddress: `127.0.3.${1 + i % 200}` });
        socket.on('error', () => {});
        socket.on('close', () => { socket.isOver = true; });
        sockets.push(socket);
    }
    await inviter.call('circle.motion', { action: 'charter',
        text: 'Une charte pendant le siège.' });
    await equal(friend);
    assert.ok(/half-open-(full|prefix)/.test(logOf(inviter)));
    await until('all are hung up', () =>
        sockets.every((socket) => socket.isOver), 30000);
    assert.ok(/: timeout \(/.test(logOf(inviter)));
});

test('after all that: small, equal, and a log of reasonable size',
    async () => {
        await equal(inviter);
        for (const node of [inviter, friend]) {
            const kib = residentKib(node);
            assert.ok(IS_INSTRUMENTED || kib < RSS_KIB_MAX,
                `${node.key} used ${kib} KiB`);
        }
        assert.ok(logOf(inviter).split('\n').length < 1000);
        const { members } = await inviter.call('circle.members');
        assert.strictEqual(members.length, 2, 'nobody else came in');
    });

test('an orderly stop, in its written order', async () => {
    await inviter.call('node.stop');
    await inviter.exited;
    assert.strictEqual(inviter.ended.code, 0);
    const steps = [...logOf(inviter).matchAll(/stop (\d):/g)]
        .map((match) => match[1]).join('');
    assert.strictEqual(steps, '123456');
    await until('the friend heard it', () =>
        logOf(friend).includes('their bye: stop'));
    assert.ok(!fs.existsSync(path.join(inviter.folder, 'entented.sock')));
});
