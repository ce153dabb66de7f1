'use strict';
// The calling side of a link, written a second time and only as far as a
// hostile caller needs it: docs/protocol.md 4. It shares no code with the
// daemon, so that a daemon that is wrong the same way twice is noticed.
const crypto = require('crypto');
const net = require('net');

const MASK = (1n << 64n) - 1n;
const IV = [
    0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn,
    0xa54ff53a5f1d36f1n, 0x510e527fade682d1n, 0x9b05688c2b3e6c1fn,
    0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n,
];
const SIGMA = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

function rotate(x, bits) {
    return ((x >> bits) | (x << (64n - bits))) & MASK;
}

function mix(v, a, b, c, d, x, y) {
    v[a] = (v[a] + v[b] + x) & MASK;
    v[d] = rotate(v[d] ^ v[a], 32n);
    v[c] = (v[c] + v[d]) & MASK;
    v[b] = rotate(v[b] ^ v[c], 24n);
    v[a] = (v[a] + v[b] + y) & MASK;
    v[d] = rotate(v[d] ^ v[a], 16n);
    v[c] = (v[c] + v[d]) & MASK;
    v[b] = rotate(v[b] ^ v[c], 63n);
}

function compress(h, block, count, isLast) {
    const m = Array.from({ length: 16 }, (_, i) => block.readBigUInt64LE(i * 8));
    const v = [...h, ...IV];
    v[12] ^= BigInt(count);
    if (isLast) {
        v[14] ^= MASK;
    }
    for (let round = 0; round < 12; round++) {
        const s = SIGMA[round % 10].map((i) => m[i]);
        mix(v, 0, 4, 8, 12, s[0], s[1]);
        mix(v, 1, 5, 9, 13, s[2], s[3]);
        mix(v, 2, 6, 10, 14, s[4], s[5]);
        mix(v, 3, 7, 11, 15, s[6], s[7]);
        mix(v, 0, 5, 10, 15, s[8], s[9]);
        mix(v, 1, 6, 11, 12, s[10], s[11]);
        mix(v, 2, 7, 8, 13, s[12], s[13]);
        mix(v, 3, 4, 9, 14, s[14], s[15]);
    }
    for (let i = 0; i < 8; i++) {
        h[i] ^= v[i] ^ v[i + 8];
    }
}

// BLAKE2b (RFC 7693) with a key.
function blake2b(key, data, length) {
    const h = [...IV];
    h[0] ^= 0x01010000n ^ (BigInt(key.length) << 8n) ^ BigInt(length);
    const padded = Buffer.alloc(key.length > 0 ? 128 : 0);
    key.copy(padded);
    const all = Buffer.concat([padded, data]);
    let done = 0;
    while (all.length - done > 128) {
        compress(h, all.subarray(done, done + 128), done + 128, false);
        done += 128;
    }
    const last = Buffer.alloc(128);
    all.copy(last, 0, done);
    compress(h, last, all.length, true);
    const out = Buffer.alloc(64);
    h.forEach((word, i) => out.writeBigUInt64LE(word, i * 8));
    return out.subarray(0, length);
}

// H(tag, x).
function hash(tag, data) {
    return blake2b(Buffer.from(tag), data, 32);
}

const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI = Buffer.from('302a300506032b656e032100', 'hex');

class KeyPair {
    constructor(secret = crypto.randomBytes(32)) {
        this.privateKey = crypto.createPrivateKey({ format: 'der',
            type: 'pkcs8', key: Buffer.concat([PKCS8, secret]) });
        const spki = crypto.createPublicKey(this.privateKey)
            .export({ format: 'der', type: 'spki' });
        this.public = spki.subarray(spki.length - 32);
    }

    dh(remote) {
        const publicKey = crypto.createPublicKey({ format: 'der',
            type: 'spki', key: Buffer.concat([SPKI, remote]) });
        return crypto.diffieHellman({ privateKey: this.privateKey,
            publicKey });
    }
}

function sha256(...parts) {
    const h = crypto.createHash('sha256');
    parts.forEach((part) => h.update(part));
    return h.digest();
}

function hmac(key, ...parts) {
    const h = crypto.createHmac('sha256', key);
    parts.forEach((part) => h.update(part));
    return h.digest();
}

function hkdf(chaining, input, count) {
    const temporary = hmac(chaining, input);
    const outputs = [];
    let previous = Buffer.alloc(0);
    for (let i = 1; i <= count; i++) {
        previous = hmac(temporary, previous, Buffer.from([i]));
        outputs.push(previous);
    }
    return outputs;
}

class Cipher {
    constructor(key) {
        this.key = key;
        this.n = 0;
    }

    nonce() {
        const nonce = Buffer.alloc(12);
        nonce.writeBigUInt64LE(BigInt(this.n), 4);
        this.n++;
        return nonce;
    }

    seal(ad, plain) {
        const c = crypto.createCipheriv('chacha20-poly1305', this.key,
            this.nonce(), { authTagLength: 16 });
        c.setAAD(ad, { plaintextLength: plain.length });
        return Buffer.concat([c.update(plain), c.final(), c.getAuthTag()]);
    }

    open(ad, sealed) {
        const at = sealed.length - 16;
        const c = crypto.createDecipheriv('chacha20-poly1305', this.key,
            this.nonce(), { authTagLength: 16 });
        c.setAAD(ad, { plaintextLength: at });
        c.setAuthTag(sealed.subarray(at));
        return Buffer.concat([c.update(sealed.subarray(0, at)), c.final()]);
    }
}

// Noise's symmetric state of one handshake.
class Symmetric {
    constructor(name, prologue) {
        const bytes = Buffer.from(name);
        this.h = bytes.length <= 32
            ? Buffer.concat([bytes, Buffer.alloc(32 - bytes.length)])
            : sha256(bytes);
        this.ck = this.h;
        this.cipher = null;
        this.mixHash(prologue);
    }

    mixHash(data) {
        this.h = sha256(this.h, data);
    }

    mixKey(input) {
        const [ck, key] = hkdf(this.ck, input, 2);
        this.ck = ck;
        this.cipher = new Cipher(key);
    }

    mixKeyAndHash(input) {
        const [ck, part, key] = hkdf(this.ck, input, 3);
        this.ck = ck;
        this.mixHash(part);
        this.cipher = new Cipher(key);
    }

    seal(plain) {
        const out = this.cipher ? this.cipher.seal(this.h, plain) : plain;
        this.mixHash(out);
        return out;
    }

    open(sealed) {
        const out = this.cipher ? this.cipher.open(this.h, sealed) : sealed;
        this.mixHash(sealed);
        return out;
    }

    split() {
        return hkdf(this.ck, Buffer.alloc(0), 2).map((key) => new Cipher(key));
    }
}

const JOIN = 1;
const MEMBER = 2;
const NONE = Buffer.alloc(0);

// A caller that may misbehave: its own static key, any callee, any secret.
// `at`: { port, transport, psk, pattern, spoil(message 3) }.
class Caller {
    constructor(at) {
        Object.assign(this, { pattern: MEMBER, psk: Buffer.alloc(32),
            host: '127.0.0.1', spoil: (bytes) => bytes }, at);
        this.statics = new KeyPair();
        this.ephemeral = new KeyPair();
        this.buffer = NONE;
        this.isClosed = false;
    }

    connect() {
        return new Promise((resolve, reject) => {
            this.socket = net.createConnection({ port: this.port,
                host: this.host, localAddress: this.from });
            this.socket.on('error', reject);
            this.socket.on('connect', () => resolve(this));
            this.socket.on('data', (data) => {
                this.buffer = Buffer.concat([this.buffer, data]);
                this.wake();
            });
            this.socket.on('close', () => {
                this.isClosed = true;
                this.wake();
            });
        });
    }

    wake() {
        if (this.onChange) {
            this.onChange();
        }
    }

    // The next `length` bytes; null when the callee hung up before.
    async read(length, limitMs = 15000) {
        const until = Date.now() + limitMs;
        while (this.buffer.length < length && !this.isClosed) {
            if (Date.now() > until) {
                throw new Error('the callee neither answers nor hangs up');
            }
            await new Promise((resolve) => {
                const timer = setTimeout(resolve, 100);
                this.onChange = () => {
                    clearTimeout(timer);
                    resolve();
                };
            });
        }
        if (this.buffer.length < length) {
            return null;
        }
        const bytes = this.buffer.subarray(0, length);
        this.buffer = this.buffer.subarray(length);
        return bytes;
    }

    knock() {
        const head = Buffer.from([0x45, 0x4e, 0x54, 0x31, 1, this.pattern, 0,
            0]);
        const gate = blake2b(hash('entente/gate/1', this.transport),
            Buffer.concat([head, this.ephemeral.public]), 16);
        return Buffer.concat([head, gate]);
    }

    // Message 1 out, message 2 in. False when the callee hung up.
    async begin() {
        const preface = this.knock();
        const name = this.pattern === JOIN
            ? 'Noise_XXpsk3_25519_ChaChaPoly_SHA256'
            : 'Noise_XKpsk3_25519_ChaChaPoly_SHA256';
        this.state = new Symmetric(name, preface);
        if (this.pattern === MEMBER) {
            this.state.mixHash(this.transport);
        }
        this.state.mixHash(this.ephemeral.public);
        this.state.mixKey(this.ephemeral.public);
        if (this.pattern === MEMBER) {
            this.state.mixKey(this.ephemeral.dh(this.transport));
        }
        const one = this.state.seal(NONE);
        this.socket.write(Buffer.concat([preface, this.ephemeral.public,
            one]));
        return this.takeAnswer();
    }

    async takeAnswer() {
        const remote = await this.read(32);
        if (remote === null) {
            return false;
        }
        this.remote = Buffer.from(remote);
        this.state.mixHash(this.remote);
        this.state.mixKey(this.remote);
        this.state.mixKey(this.ephemeral.dh(this.remote));
        if (this.pattern === JOIN) {
            this.callee = this.state.open(Buffer.from(await this.read(48)));
            this.state.mixKey(this.ephemeral.dh(this.callee));
        }
        this.state.open(Buffer.from(await this.read(16)));
        return true;
    }

    // Message 3: who we are, and the secret.
    prove() {
        const sealed = this.state.seal(this.statics.public);
        this.state.mixKey(this.statics.dh(this.remote));
        this.state.mixKeyAndHash(this.psk);
        const payload = this.state.seal(Buffer.alloc(256));
        this.socket.write(this.spoil(Buffer.concat([sealed, payload])));
        [this.sender, this.receiver] = this.state.split();
    }

    // One record with one whole message.
    record(type, body) {
        const room = Math.max(256, Math.ceil((body.length + 20) / 256) * 256);
        const plain = Buffer.alloc(room - 16);
        plain[0] = type;
        plain.writeUInt16BE(body.length, 2);
        body.copy(plain, 4);
        const sealed = this.sender.seal(NONE, plain);
        const length = Buffer.alloc(2);
        length.writeUInt16BE(sealed.length);
        return Buffer.concat([length, sealed]);
    }

    send(type, body) {
        this.socket.write(this.record(type, body));
    }

    // The next message; null when the callee hung up.
    async receive(limitMs) {
        const length = await this.read(2, limitMs);
        if (length === null) {
            return null;
        }
        const sealed = await this.read(length.readUInt16BE(), limitMs);
        if (sealed === null) {
            return null;
        }
        const plain = this.receiver.open(NONE, Buffer.from(sealed));
        return { type: plain[0],
            body: plain.subarray(4, 4 + plain.readUInt16BE(2)) };
    }

    close() {
        this.socket.destroy();
    }
}

module.exports = { Caller, JOIN, KeyPair, MEMBER, blake2b, hash };
