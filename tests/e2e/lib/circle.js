'use strict';
// Four nodes and their circle: making them, founding it, and bringing the
// others in as people would: an invitation, six digits compared on both
// sides, votes.
const { Daemon, until } = require('./daemon');
const { Network } = require('./links');

const CIRCLE_NAME = 'Cercle Nord';
const CHARTER = 'Nous parlons des situations, jamais des fautes.';
const NODES = [
    { key: 'CAB', letter: 'P', name: 'Cabinet Martin', sector: 'private' },
    { key: 'HOP', letter: 'H', name: 'Hôpital du Lac', sector: 'hospital' },
    { key: 'CSA', letter: 'C', name: 'CSAPA Nord', sector: 'community' },
    { key: 'MOD', letter: null, name: 'Animation Revue', sector: 'other' },
];

class Circle {
    constructor(base, options = {}) {
        this.base = base;
        this.options = options;
        this.network = new Network();
        this.nodes = [];
        this.typed = new Set([CIRCLE_NAME, CHARTER,
            ...NODES.map((node) => node.name)]);
    }

    get structures() {
        return this.nodes.filter((node) => node.letter !== null);
    }

    get moderator() {
        return this.node('MOD');
    }

    node(key) {
        return this.nodes.find((node) => node.key === key);
    }

    byLetter(letter) {
        return this.nodes.find((node) => node.letter === letter);
    }

    async startNodes(progress) {
        for (const plan of NODES) {
            const advertise = await this.network.add(plan.key);
            const node = new Daemon({ ...plan, base: this.base, advertise,
                ...this.options });
            this.nodes.push(node);
        }
        await Promise.all(this.nodes.map(async (node) => {
            await node.init();
            await this.start(node);
            progress(`${node.name}: keys made, daemon running`);
        }));
    }

    async start(node) {
        await node.start();
        this.network.up(node.key, node.process.pid, node.port);
    }

    async kill(node) {
        this.network.down(node.key);
        await node.kill();
    }

    async found() {
        await this.node('CAB').call('circle.found',
            { name: CIRCLE_NAME, charter: CHARTER });
    }

    // The codes of both sides, once both show one.
    async compareCodes(inviter, joiner) {
        return until(`codes of ${joiner.key}`, async () => {
            const here = (await joiner.call('join.status')).joins[0];
            if (here && here.state === 'failed') {
                throw new Error(`${joiner.key} joins: ${here.reason}`);
            }
            // One joins at a time; who it is comes after the comparison.
            const there = (await inviter.call('invite.joins')).joins
                .find((join) => join.state === 'compare');
            if (!here || !here.code || !there || !there.code) {
                return null;
            }
            if (here.code !== there.code) {
                throw new Error(`${joiner.key}: the codes differ: ` +
                    `${here.code} and ${there.code}`);
            }
            return here.code;
        });
    }

    // Says yes to every open motion on every node that has a vote.
    async voteAll(voters) {
        for (const voter of voters) {
            const { motions } = await voter.call('circle.motions');
            for (const motion of motions) {
                if (motion.state === 'open' && !motion.you_voted) {
                    await voter.call('circle.vote', { motion: motion.id })
                        .catch((error) => {
                            // Decided by the others meanwhile.
                            if (error.exit !== 1) {
                                throw error;
                            }
                        });
                }
            }
        }
    }

    async isMember(joiner) {
        const { joins } = await joiner.call('join.status');
        return joins.some((join) => join.state === 'member');
    }

    async bringIn(joiner, voters) {
        const inviter = this.node('CAB');
        const role = joiner === this.moderator ? 'moderator' : 'member';
        const { invitation } = await inviter.call('invite', { role });
        await joiner.call('join', { invitation });
        const code = await this.compareCodes(inviter, joiner);
        await joiner.call('join.confirm', { code });
        await inviter.call('invite.confirm', { code, compared: true });
        await until(`${joiner.key} becomes a member`, async () => {
            await this.voteAll(voters);
            return this.isMember(joiner);
        });
    }

    async gather(progress) {
        const voters = [this.node('CAB')];
        await this.found();
        progress(`${CIRCLE_NAME} founded by ${voters[0].name}`);
        for (const key of ['HOP', 'CSA', 'MOD']) {
            const joiner = this.node(key);
            await this.bringIn(joiner, voters);
            if (joiner !== this.moderator) {
                voters.push(joiner);
            }
            progress(`${joiner.name}: invited, codes compared, voted in`);
        }
        await this.everybodyKnows(this.nodes.length);
    }

    async everybodyKnows(count) {
        for (const node of this.nodes) {
            await until(`${node.key} knows the ${count} members`, async () => {
                const { members } = await node.call('circle.members');
                return members.length === count;
            });
        }
    }

    // Until every node has proved with every other that they hold the same.
    // Gives the last look: { key: status }.
    async allProved(limitMs = 60000) {
        const looks = {};
        const isProved = async (node) => {
            looks[node.key] = await node.call('status');
            const { peers } = looks[node.key];
            return peers.length === this.nodes.length - 1 &&
                peers.every((peer) => peer.proved);
        };
        try {
            await until('all nodes proved equal', async () => {
                const proved = await Promise.all(this.nodes.map(isProved));
                if (proved.every(Boolean)) {
                    return true;
                }
                await Promise.all(this.nodes
                    .map((node) => node.call('sync', { wait_ms: 500 })));
                return false;
            }, limitMs);
            return { isProved: true, looks };
        } catch (error) {
            return { isProved: false, looks, error };
        }
    }
}

module.exports = { CIRCLE_NAME, Circle, NODES };
