'use strict';
// The daemon as its own machine sees it: many clients and many requests at
// once, frames in pieces, digits that differ, too few file descriptors.
const assert = require('assert');
const fs = require('fs');
const net = require('net');
const path = require('path');
const test = require('node:test');
const { BIN, Daemon, sleep, stopAll, until } = require('./lib/daemon');
const { encode } = require('./lib/msgpack');
const { Caller, JOIN } = require('./lib/noise');
const { RpcClient } = require('./lib/rpc');
const { temporaryFolder } = require('./lib/rundemo');

const CLIENTS_MAX = 32;

let folder;
let node;

async function startNode(key, name, more = {}) {
    const { options = [], ...at } = more;
    const made = new Daemon({ base: folder, key, name, sector: 'private',
        advertise: '127.0.0.1:9', ...at });
    made.runOptions = ['--listen', '127.0.0.1:0', ...options];
    await made.init();
    await made.start();
    return made;
}

function logOf(which) {
    return fs.readFileSync(which.logFile, 'utf8');
}

function socketPath() {
    return path.join(node.folder, 'entented.sock');
}

test.before(async () => {
    folder = temporaryFolder();
    node = await startNode('ONE', 'Cabinet Martin');
    await node.call('circle.found', { name: 'Cercle Nord' });
});

test.after(async () => {
    await stopAll();
    fs.rmSync(folder, { recursive: true, force: true });
});

test('nobody else may open the socket', () => {
    assert.strictEqual(fs.statSync(socketPath()).mode & 0o777, 0o600);
    assert.strictEqual(fs.statSync(node.folder).mode & 0o777, 0o700);
});

test('a hundred requests at once, each answered', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) =>
        node.call(i % 2 === 0 ? 'node.info' : 'circle.show')));
    assert.strictEqual(answers.filter((one) => one.node).length, 50);
    assert.strictEqual(answers.filter((one) => one.circle).length, 50);
});

test('frames that come byte by byte', async () => {
    const body = encode([0, 7, 'node.info', {}]);
    const frame = Buffer.alloc(4 + body.length);
    frame.writeUInt32BE(body.length);
    body.copy(frame, 4);
    const socket = net.createConnection(socketPath());
    const came = [];
    socket.on('data', (data) => came.push(data));
    socket.setNoDelay(true);
    for (const byte of frame) {
        socket.write(Buffer.from([byte]));
        await sleep(1);
    }
    await until('it is answered', () =>
        Buffer.concat(came).toString('latin1').includes('running'));
    socket.destroy();
});

test('a client that hangs up before its answer', async () => {
    for (let i = 0; i < 20; i++) {
        const client = await RpcClient.connect(socketPath());
        client.call('verify').catch(() => {});
        client.close();
    }
    assert.strictEqual((await node.call('node.info')).state, 'running');
});

test('more clients than there is room for', async () => {
    const clients = [];
    for (let i = 0; i < CLIENTS_MAX + 8; i++) {
        const socket = net.createConnection(socketPath());
        socket.on('error', () => {});
        socket.on('close', () => { socket.isOver = true; });
        clients.push(socket);
    }
    await until('those over the limit are closed', () =>
        clients.filter((socket) => socket.isOver).length >= 8);
    assert.ok(logOf(node).includes('closed a client: too many clients'));
    assert.strictEqual((await node.call('node.info')).state, 'running');
    clients.forEach((socket) => socket.destroy());
    await until('there is room again', async () => {
        const client = await RpcClient.connect(socketPath());
        const info = await client.call('node.info').catch(() => null);
        client.close();
        return info;
    });
});

async function codeAt(newcomer) {
    return until('both show digits', async () => {
        const { joins } = await newcomer.call('join.status');
        return joins[0].code;
    });
}

function other(code) {
    return String((Number(code) + 1) % 1000000).padStart(6, '0');
}

test('an invitation of its own', async () => {
    const { invitation } = await node.call('invite', { role: 'member' });
    await assert.rejects(node.call('join', { invitation }),
        { code: 'join.own-invitation' });
});

test('digits that differ are refused, and in the end dropped', async () => {
    const port = await new Promise((resolve) => {
        const server = net.createServer();
        server.listen(0, '127.0.0.1', () => {
            const chosen = server.address().port;
            server.close(() => resolve(chosen));
        });
    });
    const inviter = await startNode('INV', 'CSAPA Nord', {
        advertise: `127.0.0.1:${port}`,
        options: ['--listen', `127.0.0.1:${port}`] });
    const newcomer = await startNode('JOI', 'Maison du Lac');
    await inviter.call('circle.found', { name: 'Cercle Sud' });
    const { invitation } = await inviter.call('invite', { role: 'member' });
    await newcomer.call('join', { invitation });
    const code = await codeAt(newcomer);
    await assert.rejects(newcomer.call('join.confirm', { code: '12' }),
        { exit: 2 });
    for (let i = 0; i < 3; i++) {
        await assert.rejects(
            inviter.call('invite.confirm', { code: other(code) }),
            { code: 'join.code-differs', exit: 1 });
    }
    await until('both know that it failed', async () => {
        const { joins } = await newcomer.call('join.status');
        return joins[0].state === 'failed';
    });
    await assert.rejects(inviter.call('invite.confirm', { code }),
        { code: 'join.none', exit: 5 });
    // The invitation is not used up: nobody was stored.
    await newcomer.call('join', { invitation });
    const again = await codeAt(newcomer);
    assert.ok(/^\d{6}$/.test(again));
    await inviter.call('invite.refuse', { code: again });
    await until('the newcomer knows', async () => {
        const { joins } = await newcomer.call('join.status');
        return joins.every((join) => join.state === 'failed');
    });
    await stopAll();
    await node.start();
});

// A daemon with few file descriptors, through a wrapper of the same name.
function binWithFew(count) {
    const bin = path.join(folder, 'few');
    fs.mkdirSync(bin);
    fs.writeFileSync(path.join(bin, 'entented'),
        `#!/bin/sh\nulimit -n ${count}\nexec ${BIN}/entented "$@"\n`,
        { mode: 0o755 });
    return bin;
}

test('few file descriptors: callers wait, nothing breaks', async () => {
    const few = await startNode('FEW', 'Foyer', { bin: binWithFew(96),
        options: ['--half-open-prefix', '64', '--accept-rate', '1000',
            '--accept-burst', '1000'] });
    await few.call('circle.found', { name: 'Cercle Est' });
    const sockets = Array.from({ length: 80 }, () => {
        const socket = net.createConnection(few.port, '127.0.0.1');
        socket.on('error', () => {});
        return socket;
    });
    await until('accepting pauses', () =>
        logOf(few).includes('file-descriptors'));
    assert.strictEqual((await few.call('node.info')).state, 'running');
    sockets.forEach((socket) => socket.destroy());
    const { invitation } = await few.call('invite', { role: 'member' });
    const bytes = Buffer.from(invitation.slice(9), 'base64url');
    await until('and goes on', async () => {
        const caller = await new Caller({ port: few.port, pattern: JOIN,
            transport: Buffer.from(bytes.subarray(115, 147)) }).connect();
        const isAnswered = await caller.begin();
        caller.close();
        return isAnswered;
    });
    await few.stop();
});
