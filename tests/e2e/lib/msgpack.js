'use strict';
// msgpack as the daemon's local calls use it: nil, booleans, integers,
// float64, strings, arrays and maps. docs/protocol.md and
// include/entente/value.h.

function head(bytes) {
    return Buffer.from(bytes);
}

function sized(code, width, value) {
    const b = Buffer.alloc(1 + width);
    b[0] = code;
    b.writeUIntBE(value, 1, width);
    return b;
}

function encodeInteger(v, out) {
    if (v >= 0) {
        if (v < 0x80) {
            out.push(head([v]));
        } else if (v < 0x100) {
            out.push(sized(0xcc, 1, v));
        } else if (v < 0x10000) {
            out.push(sized(0xcd, 2, v));
        } else if (v < 0x100000000) {
            out.push(sized(0xce, 4, v));
        } else {
            const b = Buffer.alloc(9);
            b[0] = 0xcf;
            b.writeBigUInt64BE(BigInt(v), 1);
            out.push(b);
        }
        return;
    }
    if (v >= -32) {
        out.push(head([0x100 + v]));
    } else if (v >= -0x80) {
        out.push(head([0xd0, 0x100 + v]));
    } else if (v >= -0x8000) {
        out.push(sized(0xd1, 2, 0x10000 + v));
    } else if (v >= -0x80000000) {
        out.push(sized(0xd2, 4, 0x100000000 + v));
    } else {
        const b = Buffer.alloc(9);
        b[0] = 0xd3;
        b.writeBigInt64BE(BigInt(v), 1);
        out.push(b);
    }
}

function encodeNumber(v, out) {
    if (Number.isSafeInteger(v)) {
        encodeInteger(v, out);
        return;
    }
    const b = Buffer.alloc(9);
    b[0] = 0xcb;
    b.writeDoubleBE(v, 1);
    out.push(b);
}

function encodeString(s, out) {
    const bytes = Buffer.from(s, 'utf8');
    if (bytes.length < 32) {
        out.push(head([0xa0 | bytes.length]));
    } else if (bytes.length < 0x100) {
        out.push(sized(0xd9, 1, bytes.length));
    } else if (bytes.length < 0x10000) {
        out.push(sized(0xda, 2, bytes.length));
    } else {
        out.push(sized(0xdb, 4, bytes.length));
    }
    out.push(bytes);
}

// Arrays have codes 0x90 / 0xdc, maps 0x80 / 0xde.
function encodeCount(count, fix, wide, out) {
    if (count < 16) {
        out.push(head([fix | count]));
    } else if (count < 0x10000) {
        out.push(sized(wide, 2, count));
    } else {
        out.push(sized(wide + 1, 4, count));
    }
}

function encodeInto(v, out) {
    if (v === null || v === undefined) {
        out.push(head([0xc0]));
    } else if (typeof v === 'boolean') {
        out.push(head([v ? 0xc3 : 0xc2]));
    } else if (typeof v === 'number') {
        encodeNumber(v, out);
    } else if (typeof v === 'string') {
        encodeString(v, out);
    } else if (Array.isArray(v)) {
        encodeCount(v.length, 0x90, 0xdc, out);
        v.forEach((item) => encodeInto(item, out));
    } else {
        const keys = Object.keys(v).filter((key) => v[key] !== undefined);
        encodeCount(keys.length, 0x80, 0xde, out);
        keys.forEach((key) => {
            encodeString(key, out);
            encodeInto(v[key], out);
        });
    }
}

function encode(v) {
    const out = [];
    encodeInto(v, out);
    return Buffer.concat(out);
}

class Reader {
    constructor(bytes) {
        this.bytes = bytes;
        this.at = 0;
    }

    take(len) {
        if (this.at + len > this.bytes.length) {
            throw new Error('msgpack: cut short');
        }
        this.at += len;
        return this.bytes.subarray(this.at - len, this.at);
    }

    uint(width) {
        return width === 8 ? Number(this.take(8).readBigUInt64BE()) :
            this.take(width).readUIntBE(0, width);
    }

    int(width) {
        return width === 8 ? Number(this.take(8).readBigInt64BE()) :
            this.take(width).readIntBE(0, width);
    }

    string(len) {
        return this.take(len).toString('utf8');
    }

    array(count) {
        const items = [];
        for (let i = 0; i < count; i++) {
            items.push(this.value());
        }
        return items;
    }

    map(count) {
        const object = {};
        for (let i = 0; i < count; i++) {
            const key = this.value();
            object[key] = this.value();
        }
        return object;
    }

    value() {
        const code = this.uint(1);
        if (code < 0x80) { return code; }
        if (code < 0x90) { return this.map(code & 0x0f); }
        if (code < 0xa0) { return this.array(code & 0x0f); }
        if (code < 0xc0) { return this.string(code & 0x1f); }
        if (code >= 0xe0) { return code - 0x100; }
        switch (code) {
        case 0xc0: return null;
        case 0xc2: return false;
        case 0xc3: return true;
        case 0xc4: return Buffer.from(this.take(this.uint(1)));
        case 0xc5: return Buffer.from(this.take(this.uint(2)));
        case 0xc6: return Buffer.from(this.take(this.uint(4)));
        case 0xca: return this.take(4).readFloatBE(0);
        case 0xcb: return this.take(8).readDoubleBE(0);
        case 0xcc: return this.uint(1);
        case 0xcd: return this.uint(2);
        case 0xce: return this.uint(4);
        case 0xcf: return this.uint(8);
        case 0xd0: return this.int(1);
        case 0xd1: return this.int(2);
        case 0xd2: return this.int(4);
        case 0xd3: return this.int(8);
        case 0xd9: return this.string(this.uint(1));
        case 0xda: return this.string(this.uint(2));
        case 0xdb: return this.string(this.uint(4));
        case 0xdc: return this.array(this.uint(2));
        case 0xdd: return this.array(this.uint(4));
        case 0xde: return this.map(this.uint(2));
        case 0xdf: return this.map(this.uint(4));
        default: throw new Error(`msgpack: code ${code.toString(16)}`);
        }
    }
}

function decode(bytes) {
    const reader = new Reader(bytes);
    const v = reader.value();
    if (reader.at !== bytes.length) {
        throw new Error('msgpack: bytes after the value');
    }
    return v;
}

module.exports = { decode, encode };
