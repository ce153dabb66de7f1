'use strict';
// A client of the daemon's Unix socket: u32 length, then msgpack-RPC.
// include/entente/rpc.h says what each message looks like.
const net = require('net');
const { decode, encode } = require('./msgpack');

const REQUEST = 0;
const RESPONSE = 1;

// What a method refused, or what ended the connection.
class RpcError extends Error {
    constructor(method, error) {
        super(`${method}: ${error.text || error.code}` +
            (error.hint ? ` (${error.hint})` : ''));
        this.code = error.code;
        this.exit = error.exit;
        this.hint = error.hint;
    }
}

class RpcClient {
    constructor(socket) {
        this.socket = socket;
        this.nextId = 1;
        this.waiting = new Map();
        this.buffer = Buffer.alloc(0);
        socket.on('data', (data) => this.onData(data));
        socket.on('close', () => this.onClose());
        socket.on('error', () => {}); // 'close' follows and tells
    }

    static connect(path) {
        return new Promise((resolve, reject) => {
            const socket = net.createConnection(path);
            socket.once('error', reject);
            socket.once('connect', () => {
                socket.removeListener('error', reject);
                resolve(new RpcClient(socket));
            });
        });
    }

    call(method, params = {}) {
        return new Promise((resolve, reject) => {
            if (this.isClosed) {
                reject(new RpcError(method, { code: 'closed',
                    text: 'the daemon is gone' }));
                return;
            }
            const id = this.nextId++;
            const body = encode([REQUEST, id, method, params]);
            const length = Buffer.alloc(4);
            length.writeUInt32BE(body.length);
            this.waiting.set(id, { method, resolve, reject });
            this.socket.write(Buffer.concat([length, body]));
        });
    }

    onData(data) {
        this.buffer = Buffer.concat([this.buffer, data]);
        while (this.buffer.length >= 4) {
            const length = this.buffer.readUInt32BE(0);
            if (this.buffer.length < 4 + length) {
                return;
            }
            this.onMessage(decode(this.buffer.subarray(4, 4 + length)));
            this.buffer = this.buffer.subarray(4 + length);
        }
    }

    onMessage([kind, id, error, result]) {
        const call = kind === RESPONSE ? this.waiting.get(id) : undefined;
        if (call === undefined) {
            return; // progress
        }
        this.waiting.delete(id);
        if (error) {
            call.reject(new RpcError(call.method, error));
        } else {
            call.resolve(result);
        }
    }

    onClose() {
        this.isClosed = true;
        for (const { method, reject } of this.waiting.values()) {
            reject(new RpcError(method, { code: 'closed',
                text: 'the daemon went away before it answered' }));
        }
        this.waiting.clear();
    }

    close() {
        this.socket.destroy();
        this.isClosed = true;
    }
}

module.exports = { RpcClient, RpcError };
