'use strict';
// The network between the nodes of a test: one small TCP relay before each
// node, whose address the node tells the others. A relay knows who calls by
// asking the kernel which process owns the calling socket, so any pair of
// nodes can be cut, both ways, without the nodes' help.
const fs = require('fs');
const net = require('net');

const portHex = (port) =>
    ':' + port.toString(16).toUpperCase().padStart(4, '0');

// The inode of the caller's socket, by both ports in /proc/net/tcp: one port
// alone may also stand in a row of an earlier connection (inode 0).
function inodeOf(port, relayPort) {
    for (const line of fs.readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
        const cells = line.trim().split(/\s+/);
        if (cells.length > 9 && cells[1].endsWith(portHex(port)) &&
            cells[2].endsWith(portHex(relayPort)) && cells[9] !== '0') {
            return cells[9];
        }
    }
    return null;
}

function ownsSocket(pid, inode) {
    const folder = `/proc/${pid}/fd`;
    try {
        return fs.readdirSync(folder).some((fd) => {
            try {
                return fs.readlinkSync(`${folder}/${fd}`) ===
                    `socket:[${inode}]`;
            } catch {
                return false; // closed meanwhile
            }
        });
    } catch {
        return false; // the process is gone
    }
}

class Relay {
    constructor(network, name) {
        this.network = network;
        this.name = name;
        this.targetPort = null; // while the node is down
        this.pid = null;
        this.server = net.createServer((socket) => this.onCall(socket));
    }

    listen() {
        return new Promise((resolve, reject) => {
            this.server.once('error', reject);
            this.server.listen(0, '127.0.0.1', () => {
                this.port = this.server.address().port;
                resolve();
            });
        });
    }

    onCall(socket) {
        const caller = this.network.callerOf(socket.remotePort, this.port);
        if (this.targetPort === null ||
            this.network.isCut(caller, this.name)) {
            socket.destroy();
            return;
        }
        const onward = net.createConnection(this.targetPort, '127.0.0.1');
        const link = { from: caller, to: this.name, socket, onward };
        const close = () => {
            socket.destroy();
            onward.destroy();
            this.network.links.delete(link);
        };
        this.network.links.add(link);
        for (const side of [socket, onward]) {
            side.setNoDelay(true);
            side.on('error', close);
            side.on('close', close);
        }
        socket.pipe(onward);
        onward.pipe(socket);
    }
}

class Network {
    constructor() {
        this.relays = new Map();
        this.links = new Set();
        this.cutOff = new Set();
    }

    // Gives the address to advertise.
    async add(name) {
        const relay = new Relay(this, name);
        await relay.listen();
        this.relays.set(name, relay);
        return `127.0.0.1:${relay.port}`;
    }

    // The node `name` runs as `pid` and listens on `port`.
    up(name, pid, port) {
        const relay = this.relays.get(name);
        relay.pid = pid;
        relay.targetPort = port;
    }

    down(name) {
        this.relays.get(name).targetPort = null;
    }

    callerOf(port, relayPort) {
        const inode = inodeOf(port, relayPort);
        for (const relay of this.relays.values()) {
            if (inode && relay.pid && ownsSocket(relay.pid, inode)) {
                return relay.name;
            }
        }
        return null;
    }

    // A caller that could not be made out (null) is on no side of a cut: it
    // has to call again.
    isCut(from, to) {
        return this.cutOff.has(from) || this.cutOff.has(to) ||
            (from === null && this.cutOff.size > 0);
    }

    // Both ways, at once and until `heal`: the node itself runs on.
    cut(name) {
        this.cutOff.add(name);
        for (const link of [...this.links]) {
            if (this.isCut(link.from, link.to)) {
                link.socket.destroy();
                link.onward.destroy();
            }
        }
    }

    heal(name) {
        this.cutOff.delete(name);
    }

    close() {
        for (const link of [...this.links]) {
            link.socket.destroy();
            link.onward.destroy();
        }
        this.relays.forEach((relay) => relay.server.close());
    }
}

module.exports = { Network };
