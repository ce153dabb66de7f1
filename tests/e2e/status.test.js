'use strict';
// "Is my work safe and shared?": for each peer the last exchange, when both
// were proved equal, what waits each way, and why when they are not: offline,
// refused, another version, a change that builds on one not here yet. Real
// daemons, with a build whose switches make a node speak another version or
// keep something back.
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const test = require('node:test');
const { Circle } = require('./lib/circle');
const { provedAll } = require('./lib/checks');
const { stopAll, until } = require('./lib/daemon');
const { temporaryFolder } = require('./lib/rundemo');

const SABOTAGE_BIN = process.env.ENT_SABOTAGE_BIN;
const skip = !(SABOTAGE_BIN &&
    fs.existsSync(path.join(SABOTAGE_BIN, 'entented'))) &&
    'no build with switches';

let circle;

// Cuts the link of two nodes, or mends it; each still sees the others.
const cutPairs = new Set();
const pairOf = (a, b) => [a, b].sort().join(' ');

function cutLink(a, b) {
    cutPairs.add(pairOf(a, b));
    for (const link of [...circle.network.links]) {
        if (pairOf(link.from, link.to) === pairOf(a, b)) {
            link.socket.destroy();
            link.onward.destroy();
        }
    }
}

function mendLink(a, b) {
    cutPairs.delete(pairOf(a, b));
}

async function stop(key) {
    circle.network.down(key);
    await circle.node(key).stop();
}

async function restart(key, { env = {}, options = [] } = {}) {
    const node = circle.node(key);
    await stop(key);
    node.env = env;
    node.extra = node.extra || node.runOptions;
    node.runOptions = [...node.extra, ...options];
    await circle.start(node);
}

// What `at` says of `about`.
async function lookAt(at, about, params = {}) {
    const status = await circle.node(at).call('status', params);
    const peer = status.peers
        .find(({ node }) => node === circle.node(about).info.node);
    return { peer, status };
}

async function untilReason(at, about, reason) {
    let look;
    await until(() => `${at} says "${reason}" of ${about}: ` +
        JSON.stringify(look.peer, null, 1), async () => {
        look = await lookAt(at, about);
        return look.peer && look.peer.reason === reason;
    });
    assert.strictEqual(look.peer.proved, false);
    assert.ok(look.peer.reason_text.includes(circle.node(about).name),
        look.peer.reason_text);
    return look;
}

async function say(key, text) {
    return circle.node(key).call('circle.motion', { action: 'rule', text });
}

test('status says how sharing stands', { skip }, async (t) => {
    const folder = temporaryFolder();
    circle = new Circle(folder, { bin: SABOTAGE_BIN });
    circle.network.isCut = (a, b) => cutPairs.has(pairOf(a, b));
    t.after(async () => {
        await stopAll();
        circle.network.close();
        fs.rmSync(folder, { recursive: true, force: true });
    });
    await circle.startNodes(() => {});

    await t.test('alone: kept here, and only here', async () => {
        const { peers, summary, node } =
            await circle.node('CAB').call('status');
        assert.deepStrictEqual(peers, []);
        assert.match(summary.sentence, /only here/);
        assert.strictEqual(node.structure, 'Cabinet Martin');
        assert.strictEqual(node.state, 'running');
        assert.match(node.listen[0], /^127\.0\.0\.1:\d+$/);
        assert.ok(node.rss_kib > 0 && node.clock_at >= node.started_at);
    });

    await t.test('all proved: nothing waits, no reason', async () => {
        const before = Date.now();
        await circle.gather(() => {});
        await provedAll(circle);
        const { status } = await lookAt('CAB', 'HOP');
        assert.strictEqual(status.summary.proved, 3);
        assert.strictEqual(status.summary.sentence,
            'Everything here is at all 3 colleagues’ nodes.');
        for (const peer of status.peers) {
            assert.ok(peer.connected && peer.proved);
            assert.strictEqual(peer.reason, null);
            assert.strictEqual(peer.waiting_out, 0);
            assert.strictEqual(peer.waiting_in, 0);
            assert.strictEqual(peer.oldest_unseen_at, 0);
            for (const at of [peer.proved_equal_at, peer.last_exchange_at]) {
                assert.ok(at >= before && at <= Date.now());
            }
        }
        const french = await circle.node('CAB').cli('status', '--lang', 'fr');
        assert.match(french.stdout, /chez les 3 collègues/);
    });

    await t.test('offline: since when, and what waits', async () => {
        const was = await lookAt('CAB', 'MOD');
        await circle.kill(circle.node('MOD'));
        await until('the link is gone', async () =>
            !(await lookAt('CAB', 'MOD')).peer.connected);
        const wroteAt = Date.now();
        await say('CAB', 'Nous commençons à l’heure.');
        const { peer, status } = await untilReason('CAB', 'MOD', 'offline');
        assert.ok(peer.last_exchange_at >= was.peer.last_exchange_at);
        assert.ok(peer.last_exchange_at <= wroteAt);
        assert.ok(peer.proved_equal_at >= was.peer.proved_equal_at);
        assert.ok(peer.waiting_out >= 1);
        assert.ok(peer.oldest_unseen_at >= wroteAt - 1000 &&
            peer.oldest_unseen_at <= Date.now());
        assert.match(status.summary.sentence,
            /Animation Revue has not been reached since \d\d:\d\d: \d+ change/);
        const french = await lookAt('CAB', 'MOD', { lang: 'fr' });
        assert.strictEqual(french.peer.reason, 'offline');
        const printed = await circle.node('CAB').cli('status');
        assert.strictEqual(printed.code, 0);
        assert.match(printed.stdout, /Animation Revue/);
        await circle.start(circle.node('MOD'));
        await provedAll(circle);
    });

    await t.test('a draft, then who has what of it', async () => {
        const node = circle.node('CSA');
        await node.call('situation.draft', { code: 'S01', title: 'Retour' });
        let who = await node.call('status', { situation: 'S01' });
        assert.deepStrictEqual(who.holders.map((h) => [h.name, h.state]),
            [['CSAPA Nord', 'has everything']]);
        await circle.kill(circle.node('MOD'));
        await node.call('situation.offer', { situation: 'S01',
            basis: 'de-identified-review', recognisable: 'no' });
        const stateOf = (name) =>
            who.holders.find((h) => h.name === name).state;
        await until('the others have it', async () => {
            who = await node.call('status', { situation: 'S01' });
            return stateOf('Cabinet Martin') === 'has everything' &&
                stateOf('Hôpital du Lac') === 'has everything';
        });
        assert.strictEqual(who.situation.title, 'Retour');
        const away = who.holders.find((h) => h.name === 'Animation Revue');
        assert.strictEqual(away.state, 'behind');
        assert.ok(away.behind >= 1 && away.since_at > 0);
        assert.strictEqual(away.reason, 'offline');
        await circle.start(circle.node('MOD'));
        await provedAll(circle);
        who = await node.call('status', { situation: 'S01' });
        assert.ok(who.holders.every((h) => h.state === 'has everything'));
        assert.strictEqual(who.holders.length, 4);
    });

    await t.test('wrong version: which one is needed', async () => {
        await restart('MOD',
            { options: ['--protocol-max', '9', '--protocol-min', '9'] });
        const { peer } = await untilReason('CAB', 'MOD', 'wrong-version');
        assert.match(peer.reason_text, /protocol 9|protocol 1/);
        assert.match(peer.reason_text, /[Uu]pdate/);
        await untilReason('MOD', 'CAB', 'wrong-version');
        await restart('MOD');
        await provedAll(circle);
    });

    await t.test('waiting for an earlier entry', async () => {
        await stop('MOD');
        await restart('HOP', { env: { ENTENTE_SABOTAGE:
            `hold-author=${circle.node('CSA').info.node}` } });
        cutLink('CAB', 'CSA');
        await until('the link is cut', async () =>
            !(await lookAt('CAB', 'CSA')).peer.connected);
        const { motion } = await say('CSA', 'Chacun parle une fois.');
        await until('the hospital votes on it', async () => {
            const { motions } = await circle.node('HOP')
                .call('circle.motions');
            return motions.some(({ id }) => id === motion);
        });
        await circle.node('HOP').call('circle.vote', { motion });
        const { peer } = await untilReason('CAB', 'HOP',
            'waiting-for-earlier-entry');
        assert.ok(peer.connected);
        assert.ok(peer.waiting_in >= 1);
        const { entries } = await circle.node('CAB')
            .call('log', { limit: 5 });
        const waiting = entries.find(({ state }) => state === 'waiting');
        assert.strictEqual(waiting.author, 'Hôpital du Lac');
        assert.strictEqual(waiting.waits_for, motion.slice(0, 16));
        await untilReason('CAB', 'CSA', 'offline');

        mendLink('CAB', 'CSA');
        await until('the earlier one is there', async () =>
            (await lookAt('CAB', 'CSA')).peer.proved);
        await restart('HOP');
        await circle.start(circle.node('MOD'));
        await provedAll(circle);
    });

    await t.test('refused: no longer a member', async () => {
        await stop('CSA');
        const { motion } = await circle.node('CAB').call('circle.motion',
            { action: 'remove', subject: 'CSAPA Nord' });
        const hospital = circle.node('HOP');
        await until('the hospital knows of it', async () =>
            (await hospital.call('circle.motions')).motions
                .some(({ id }) => id === motion));
        await circle.node('CAB').call('circle.vote', { motion });
        await hospital.call('circle.vote', { motion });
        await until('the members removed it', async () =>
            (await hospital.call('circle.members')).members.length === 3);
        await circle.start(circle.node('CSA'));
        const { peer } = await untilReason('CSA', 'HOP', 'refused');
        assert.match(peer.reason_text, /still a member/);
        assert.ok(peer.reason_detail.length > 0);
        assert.ok(peer.proved_equal_at > 0, 'the last proof is still told');
        assert.strictEqual(peer.connected, false);
    });
});
