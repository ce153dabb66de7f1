'use strict';
// What must hold on every node after anything that happened to it.
const assert = require('assert');

// Every chain, signature and hash is right and nobody signed two histories.
async function verifyAll(circle) {
    for (const node of circle.nodes) {
        const found = await node.call('verify');
        assert.deepStrictEqual(found.problems, [], `${node.key} verify`);
        assert.strictEqual(found.forks, 0, `${node.key} forks`);
        assert.ok(found.entries > 0);
    }
}

// Folding everything again gives the same views.
async function rebuildAll(circle) {
    for (const node of circle.nodes) {
        const folded = await node.call('rebuild');
        assert.ok(folded.equal, `${node.key}: rebuild differs`);
    }
}

async function codesAt(node) {
    const { situations } = await node.call('situation.list');
    return new Set(situations.map((s) => s.code));
}

// The nodes hold the same, and each has proved it with each other.
async function provedAll(circle, limitMs) {
    const proof = await circle.allProved(limitMs);
    assert.ok(proof.isProved, JSON.stringify(proof.looks, null, 1));
}

module.exports = { codesAt, provedAll, rebuildAll, verifyAll };
