'use strict';
// One real `entented` with its folder, its key file and its log, and calls to
// it over its Unix socket or through the command line.
const { execFile, spawn } = require('child_process');
const fs = require('fs');
const path = require('path');
const { RpcClient } = require('./rpc');

const ROOT = path.resolve(__dirname, '../../..');
const BIN = process.env.ENT_BIN || path.join(ROOT, 'build/bin');
const SOCKET_NAME = 'entented.sock';
const START_MS = 30000;
const STOP_MS = 10000;

// One machine plays a whole network here, so its limits for strangers of one
// address are too narrow.
const RUN_OPTIONS = ['--accept-rate', '1000', '--accept-burst', '1000',
    '--half-open-prefix', '64', '--backoff-max-ms', '2000',
    // So that a plain user's relay may see which process calls it.
    '--inspectable', 'yes'];

const running = new Set();

function sleep(ms) {
    return new Promise((resolve) => { setTimeout(resolve, ms); });
}

// Calls `test` until it gives something true, which it returns. `what` may be
// a function, asked when the time is up.
async function until(what, test, limitMs = 30000) {
    const end = Date.now() + limitMs;
    for (let pause = 10; ; pause = Math.min(pause * 1.3, 150)) {
        const result = await test();
        if (result) {
            return result;
        }
        if (Date.now() > end) {
            const text = typeof what === 'function' ? await what() : what;
            throw new Error(`waited ${limitMs / 1000} s in vain: ${text}`);
        }
        await sleep(pause);
    }
}

function run(program, args, options = {}) {
    return new Promise((resolve) => {
        execFile(program, args, { maxBuffer: 64 << 20, ...options },
            (error, stdout, stderr) => resolve({
                code: error ? (error.code === undefined ? -1 : error.code) : 0,
                signal: error ? error.signal : null, stdout, stderr,
            }));
    });
}

class Daemon {
    // `at`: { base, key, name, sector, advertise, bin, env }. The node's
    // folder is base/key; its key file and log stand beside it.
    constructor(at) {
        Object.assign(this, { bin: BIN, env: {}, runOptions: RUN_OPTIONS },
            at);
        this.folder = path.join(this.base, this.key);
        this.keyFile = path.join(this.base, `${this.key}.key`);
        this.logFile = path.join(this.base, `${this.key}.log`);
        this.process = null;
        this.rpc = null;
    }

    async init() {
        const args = ['init', '--folder', this.folder, '--structure',
            this.name, '--sector', this.sector, '--key-file', this.keyFile,
            '--listen', '127.0.0.1:0'];
        if (this.advertise) {
            args.push('--advertise', this.advertise);
        }
        const done = await run(path.join(this.bin, 'entented'), args,
            { env: { ...process.env, ...this.env } });
        if (done.code !== 0) {
            throw new Error(`${this.key}: init: ${done.stderr.trim()}`);
        }
    }

    // Starts it and waits until it answers. Gives what node.info says.
    async start() {
        const log = fs.openSync(this.logFile, 'a');
        // A process group of its own: Ctrl-C reaches only the driver, which
        // then stops the daemons in order.
        this.process = spawn(path.join(this.bin, 'entented'),
            ['run', '--folder', this.folder, '--key-file', this.keyFile,
                ...this.runOptions],
            { stdio: ['ignore', log, log], detached: true,
                env: { ...process.env, ...this.env } });
        fs.closeSync(log);
        running.add(this);
        this.exited = new Promise((resolve) => {
            this.process.once('error', resolve);
            this.process.once('exit', (code, signal) => {
                this.ended = { code, signal };
                running.delete(this);
                resolve();
            });
        });
        this.ended = null;
        this.rpc = await until(() => `${this.key} does not start:\n` +
            this.logTail(), () => this.tryConnect(), START_MS);
        this.info = await this.call('node.info');
        this.port = Number(this.info.listen[0].split(':').pop());
        return this.info;
    }

    async tryConnect() {
        if (this.ended) {
            throw new Error(`${this.key} ended at its start ` +
                `(${this.ended.signal || this.ended.code}):\n` +
                this.logTail());
        }
        try {
            return await RpcClient.connect(
                path.join(this.folder, SOCKET_NAME));
        } catch {
            return null;
        }
    }

    call(method, params) {
        if (!this.rpc) {
            return Promise.reject(new Error(`${this.key} is not running`));
        }
        return this.rpc.call(method, params);
    }

    // The command line on this node. With --json, `json` is what it printed.
    async cli(...words) {
        const done = await run(path.join(this.bin, 'entente'),
            [...words, '--node', this.folder],
            { env: { ...process.env, ...this.env } });
        try {
            done.json = JSON.parse(done.stdout);
        } catch {
            done.json = null;
        }
        return done;
    }

    signal(name) {
        if (this.process && !this.ended && this.process.pid) {
            this.process.kill(name);
        }
    }

    closeRpc() {
        if (this.rpc) {
            this.rpc.close();
        }
        this.rpc = null;
    }

    // As a power cut would: no goodbye.
    async kill() {
        this.signal('SIGKILL');
        await this.exited;
        this.closeRpc();
    }

    // In order; by force when it does not end.
    async stop() {
        if (!this.process || this.ended) {
            return;
        }
        this.signal('SIGTERM');
        const timer = setTimeout(() => this.signal('SIGKILL'), STOP_MS);
        await this.exited;
        clearTimeout(timer);
        this.closeRpc();
    }

    logTail() {
        try {
            return fs.readFileSync(this.logFile, 'utf8').split('\n').slice(-12)
                .join('\n');
        } catch {
            return '(no log)';
        }
    }
}

// Every daemon that this process started and that still runs.
function stopAll() {
    return Promise.all([...running].map((daemon) => daemon.stop()));
}

// For when there is no time left to wait.
function killAll() {
    running.forEach((daemon) => daemon.signal('SIGKILL'));
}

module.exports = { BIN, Daemon, ROOT, killAll, run, sleep, stopAll, until };
