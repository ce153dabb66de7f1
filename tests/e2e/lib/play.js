'use strict';
// Plays a file of situations through a circle, session by session, the way
// its people would: offered two sessions ahead, answered by each structure on
// its own node, revealed, concluded. In the middle third of the sessions the
// hospital is cut off: it goes on with what it has, and what needs it waits.
const crypto = require('crypto');
const { until } = require('./daemon');
const { isReceived } = require('./review');

const SAID = { y: 'yes', n: 'no', u: 'unknown' };

// Unique in every run, so that a search on the disk can only find this one.
function marker(what) {
    return `${what} ${crypto.randomBytes(9).toString('hex')}`;
}

class Play {
    // `progress(text)` is told of each step; `done` counts the steps so far.
    constructor(circle, situations, progress) {
        this.circle = circle;
        this.situations = situations;
        this.progress = progress;
        this.markers = { own: [], care: [] };
        this.sessions = [...new Set(situations.map((s) => s.session))]
            .sort((a, b) => a - b);
        this.waiting = []; // situations of earlier sessions, to be finished
        this.answered = new Set();
        this.drafted = new Set();
        this.offered = [];
        this.openMeetings = new Map(); // n → situations not concluded yet
    }

    of(session) {
        return this.situations.filter((s) => s.session === session);
    }

    typed(text) {
        this.circle.typed.add(text);
        return text;
    }

    isCutOff(node) {
        return this.circle.network.cutOff.has(node.key);
    }

    // Stays with its presenter: names and notes, and what is to be offered.
    async draft(s) {
        const presenter = this.circle.byLetter(s.presenter);
        const name = this.typed(marker(`Personne ${s.id}`));
        const note = this.typed(marker(`Rappeler la famille ${s.id}`));
        this.markers.own.push(name, note);
        await presenter.call('situation.draft', {
            code: s.id, name, note,
            title: this.typed(`Situation ${s.id} entre structures`),
            text: this.typed(`Ce qui s'est passé autour de ${s.id}.`),
            period: '2026-T1', age_band: '26-45',
        });
        this.drafted.add(s.id);
    }

    async offer(s) {
        const presenter = this.circle.byLetter(s.presenter);
        if (!this.drafted.has(s.id)) {
            await this.draft(s);
        }
        await presenter.call('situation.offer', { situation: s.id,
            basis: 'de-identified-review', recognisable: 'no',
            person_told: 'yes' });
        this.offered.push(s);
    }

    // What is to come in this session, if it is one, is offered by now.
    async offerSession(index) {
        for (const s of this.of(this.sessions[index])) {
            if (!this.offered.includes(s)) {
                await this.offer(s);
            }
        }
    }

    // The first situation also gets a care space of two structures.
    async shareCare(s) {
        const presenter = this.circle.byLetter(s.presenter);
        const other = this.circle.structures
            .find((node) => node !== presenter);
        const text = () => {
            const note = this.typed(marker('Note de soin'));
            this.markers.care.push(note);
            return note;
        };
        await presenter.call('situation.invite', { situation: s.id,
            structure: other.name, basis: 'same-team', note: text() });
        await presenter.call('situation.note',
            { situation: s.id, view: 'care', text: text() });
        for (const node of [presenter, other]) {
            await until(`${node.key} reads both care notes`, async () => {
                const { cases } = await node.call('care.list');
                return cases.some((shared) => shared.notes.length === 2);
            });
        }
    }

    async see(node, s) {
        try {
            return await node.call('situation.show', { situation: s.id });
        } catch (error) {
            if (error.exit === 5) {
                return null;
            }
            throw error;
        }
    }

    isSilent(s, node) {
        const p = s.perspectives[node.letter];
        return !isReceived(p) && p.mode === '';
    }

    isAnswered(s, node) {
        return this.isSilent(s, node) ||
            this.answered.has(`${s.id} ${node.key}`);
    }

    async answer(s, node) {
        const p = s.perspectives[node.letter];
        const params = { situation: s.id };
        if (p.Q2) { params.q2_harm = SAID[p.Q2]; }
        if (p.Q3) { params.q3_harm = SAID[p.Q3]; }
        if (p.Q4) { params.q4_avoidable = SAID[p.Q4]; }
        if (p.mode) { params.mode = p.mode; }
        if (isReceived(p)) {
            params.q5_text = this.typed(
                marker(`Piste de ${node.key} pour ${s.id}`));
        }
        await node.call('situation.answer', params);
        this.answered.add(`${s.id} ${node.key}`);
    }

    // On its own node and on nobody else's: what it cannot see yet, it
    // answers later.
    async answerWherePossible(s) {
        await Promise.all(this.circle.structures.map(async (node) => {
            if (this.isAnswered(s, node)) {
                return;
            }
            const sees = this.isCutOff(node) ? await this.see(node, s) :
                await until(`${node.key} sees ${s.id}`,
                    () => this.presenterIsCutOff(s) || this.see(node, s));
            if (sees && sees !== true) {
                await this.answer(s, node);
            }
        }));
    }

    presenterIsCutOff(s) {
        return this.isCutOff(this.circle.byLetter(s.presenter));
    }

    // Can it be revealed and concluded now, in this meeting?
    isReady(s) {
        const { structures } = this.circle;
        return !this.presenterIsCutOff(s) && structures.every((node) =>
            this.isAnswered(s, node) &&
            (this.isSilent(s, node) || !this.isCutOff(node)));
    }

    async reveal(s, meeting) {
        const { moderator, structures } = this.circle;
        const sent = structures.filter((node) => !this.isSilent(s, node));
        const shown = async (node) => {
            const view = await this.see(node, s);
            return view && view.perspectives.filter(
                (p) => p.answers && p.state !== 'absent').length >=
                sent.length;
        };
        await until(`${moderator.key} has all of ${s.id}`, async () => {
            const view = await this.see(moderator, s);
            return view && view.perspectives.filter((p) =>
                ['sealed', 'revealed'].includes(p.state)).length >=
                sent.length;
        });
        if (sent.length < structures.length) {
            await moderator.call('situation.reveal',
                { situation: s.id, meeting });
        }
        await until(`${s.id} is revealed at ${moderator.key}`,
            () => shown(moderator));
    }

    async conclude(s) {
        const presenter = this.circle.byLetter(s.presenter);
        await until(`${s.id} is revealed at ${presenter.key}`, async () => {
            const view = await this.see(presenter, s);
            return view && ['revealed', 'concluded'].includes(view.state);
        });
        await presenter.call('situation.conclude', {
            situation: s.id, cooperation: s.coop,
            patient_physical: s.physical,
            patient_psychological: s.psychological, carer: s.carer,
            avoidable: s.avoidable, code: s.code || undefined,
            text: this.typed(marker(`Conclusion retenue pour ${s.id}`)),
        });
    }

    async finish(s) {
        const meeting = s.session;
        await this.reveal(s, meeting);
        await this.conclude(s);
        const open = this.openMeetings.get(meeting);
        open.delete(s.id);
        if (open.size === 0) {
            this.openMeetings.delete(meeting);
            await this.circle.moderator.call('meeting.close', { meeting });
        }
        this.progress(`${s.id} concluded`);
    }

    async openMeeting(session) {
        const { moderator } = this.circle;
        const now = this.of(session);
        // What a structure without a link has offered comes later.
        const known = now.filter((s) => !this.presenterIsCutOff(s));
        for (const s of known) {
            await until(`${moderator.key} sees ${s.id}`,
                () => this.see(moderator, s));
        }
        await moderator.call('meeting.plan', { n: session,
            date: `2026-${String(1 + (session - 1) % 12).padStart(2, '0')}-17`,
            venue: this.typed('Salle des Tilleuls'), kind: 'cmr' });
        await moderator.call('meeting.open',
            { meeting: session, situations: known.map((s) => s.id) });
        this.openMeetings.set(session, new Set(now.map((s) => s.id)));
    }

    // A power cut right after an acknowledged write.
    async killOne(node) {
        const s = this.offered.find((o) => o.presenter === node.letter);
        const text = this.typed(marker('Note juste avant la coupure'));
        if (s) {
            await node.call('situation.note',
                { situation: s.id, view: 'own', text });
            this.markers.own.push(text);
        }
        await this.circle.kill(node);
        await this.circle.start(node);
        const kept = s && await this.see(node, s);
        if (kept && !kept.own.notes.includes(text)) {
            throw new Error(`${node.key} lost an acknowledged note`);
        }
        this.progress(`${node.name} was killed and is back`);
    }

    // It has what was offered so far, and drafts its next situations alone.
    async cutOff(node) {
        for (const s of this.offered) {
            await until(`${node.key} sees ${s.id}`, () => this.see(node, s));
        }
        this.circle.network.cut(node.key);
        this.progress(`${node.name} is cut off and works on`);
        for (const s of this.situations) {
            if (s.presenter === node.letter && !this.drafted.has(s.id)) {
                await this.draft(s);
            }
        }
    }

    async bringBack(node) {
        this.circle.network.heal(node.key);
        await Promise.all(this.circle.nodes
            .map((other) => other.call('sync', { wait_ms: 0 })));
        this.progress(`${node.name} is back`);
    }

    async playSession(index) {
        const session = this.sessions[index];
        await this.openMeeting(session);
        await this.offerSession(index + 2);
        const now = [...this.waiting, ...this.of(session)];
        await Promise.all(now.map((s) => this.answerWherePossible(s)));
        this.waiting = now.filter((s) => !this.isReady(s));
        await Promise.all(this.waiting.map((s) => this.checkSealed(s)));
        await Promise.all(now.filter((s) => this.isReady(s))
            .map((s) => this.finish(s)));
        this.progress(`session ${session} held`);
    }

    // Nobody reads an answer before all are in, the moderator least of all.
    async checkSealed(s) {
        for (const node of this.circle.nodes) {
            const view = await this.see(node, s);
            const opened = (view ? view.perspectives : []).filter((p) =>
                p.answers && p.structure !== node.name && p.state !== 'own');
            if (opened.length > 0) {
                throw new Error(`${node.key} reads answers of ` +
                    `${opened[0].structure} to ${s.id} before the reveal`);
            }
        }
    }

    async finishWaiting() {
        const rest = this.waiting;
        this.waiting = [];
        await Promise.all(rest.map((s) => this.answerWherePossible(s)));
        await Promise.all(rest.map((s) => this.finish(s)));
    }

    async run() {
        const count = this.sessions.length;
        const from = Math.floor(count / 3);
        const to = Math.max(from + 1, Math.floor(count * 2 / 3));
        const hospital = this.circle.node('HOP');
        if (count === 0) {
            return;
        }
        await this.offerSession(0);
        await this.offerSession(1);
        await this.shareCare(this.of(this.sessions[0])[0]);
        for (let i = 0; i < count; i++) {
            if (i === from) {
                await this.cutOff(hospital);
            }
            if (i === Math.floor(count / 2)) {
                await this.killOne(this.circle.node('CSA'));
            }
            await this.playSession(i);
            if (i === to - 1) {
                await this.bringBack(hospital);
            }
        }
        await this.finishWaiting();
    }
}

module.exports = { Play, marker };
