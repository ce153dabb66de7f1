#!/usr/bin/env node
'use strict';
// ./dev demo: four real daemons on this machine found a circle and hold a
// review. Exits with 0 only when every node reports the same numbers, those
// of the file, and every pair of nodes is proved equal.
const fs = require('fs');
const os = require('os');
const path = require('path');
const { Circle, NODES } = require('./lib/circle');
const { CsvError } = require('./lib/csv');
const { BIN, ROOT, killAll, stopAll } = require('./lib/daemon');
const { Play } = require('./lib/play');
const { Progress } = require('./lib/progress');
const { differences, expectedReport, parseSituations } =
    require('./lib/review');

const DEFAULT_FILE = path.join(ROOT, 'tests/data/situations.csv');
const EXIT_REFUSED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;
// A Unix socket's path has 107 bytes; longer folders are reached by a link.
const FOLDER_LEN_MAX = 80;

const HELP = `Usage: ./dev demo [FILE.csv] [options]

Four daemons on this machine found a circle, review the situations of the
file (the review fixture if none is given), lose the network and find each
other again; then each prints the report.

  --json FILE      write the moderator's report (- writes it to stdout, and
                   everything else to stderr)
  --keep DIR       leave the nodes' folders, keys and logs in DIR
  --keep-running   the daemons stay until Ctrl-C (as on a terminal)
  --patience S     seconds to wait for the proofs at the end (60)
  --typed FILE     write every text that was typed, and the ids of the spaces
`;

class UsageError extends Error {} // the words of the call
class FileError extends Error {} // what is in the file

function parseArguments(words) {
    const options = { file: DEFAULT_FILE, patience: '60' };
    const named = { '--json': 'json', '--keep': 'keep', '--typed': 'typed',
        '--patience': 'patience' };
    let hasFile = false;
    for (let i = 0; i < words.length; i++) {
        const [name, ...rest] = words[i].split('=');
        if (name in named) {
            options[named[name]] = rest.length > 0 ? rest.join('=') :
                words[++i];
            if (!options[named[name]]) {
                throw new UsageError(`${name} needs a value`);
            }
        } else if (words[i] === '--keep-running') {
            options.keepRunning = true;
        } else if (words[i] === '--help' || words[i] === '-h') {
            options.help = true;
        } else if (words[i].startsWith('-') || hasFile) {
            throw new UsageError(`"${words[i]}" is one word too many`);
        } else {
            options.file = words[i];
            hasFile = true;
        }
    }
    if (!/^[0-9]{1,4}$/.test(options.patience)) {
        throw new UsageError('--patience is a number of seconds');
    }
    return options;
}

function readSituations(file) {
    let text;
    try {
        text = fs.readFileSync(file, 'utf8');
    } catch (error) {
        throw new FileError(`${file}: ${error.message}`);
    }
    try {
        return parseSituations(text);
    } catch (error) {
        if (error instanceof CsvError) {
            throw new FileError(`${file}, ${error.message}`);
        }
        throw error;
    }
}

class Demo {
    constructor(options, situations) {
        this.options = options;
        this.situations = situations;
        // Nodes: started, brought in; situations; sessions; the two events.
        const sessions = new Set(situations.map((s) => s.session)).size;
        this.progress = new Progress(2 * NODES.length + situations.length +
            sessions + 4);
        this.main = options.json === '-' ? process.stderr : process.stdout;
    }

    say(text) {
        this.main.write(`${text}\n`);
    }

    makeBase() {
        this.temporary =
            fs.mkdtempSync(path.join(os.tmpdir(), 'entente-demo-'));
        if (!this.options.keep) {
            return this.temporary;
        }
        const keep = path.resolve(this.options.keep);
        fs.mkdirSync(keep, { recursive: true });
        const taken = NODES.find((node) =>
            fs.existsSync(path.join(keep, node.key)));
        if (taken) {
            throw new UsageError(`${keep} holds a node already: ` +
                `${taken.key}; give another folder`);
        }
        if (Buffer.byteLength(keep) <= FOLDER_LEN_MAX) {
            return keep;
        }
        const link = path.join(this.temporary, 'k');
        fs.symlinkSync(keep, link);
        return link;
    }

    async play() {
        const base = this.makeBase();
        const step = (text) => this.progress.tell(text);
        this.circle = new Circle(base);
        await this.circle.startNodes(step);
        await this.circle.gather(step);
        const play = new Play(this.circle, this.situations, step);
        await play.run();
        step('waiting until every node has proved the same');
        const proof = await this.circle.allProved(
            Number(this.options.patience) * 1000);
        this.progress.end();
        if (this.options.typed) {
            await this.writeTyped(play);
        }
        return this.report(proof);
    }

    // For tests that search the disks: what was typed, and which spaces the
    // structures have of each kind.
    async writeTyped(play) {
        const spaces = {};
        for (const node of this.circle.structures) {
            const { entries } = await node.call('log', { limit: 1000 });
            for (const { space_kind: kind, space } of entries) {
                spaces[kind] = spaces[kind] || new Set();
                spaces[kind].add(space);
            }
        }
        const lists = Object.entries(spaces)
            .map(([kind, ids]) => [kind, [...ids]]);
        fs.writeFileSync(this.options.typed, JSON.stringify({
            typed: [...this.circle.typed], markers: play.markers,
            spaces: Object.fromEntries(lists),
        }, null, 1));
    }

    async report(proof) {
        const faults = [];
        const reports = {};
        for (const node of this.circle.nodes) {
            const { report, text } =
                await node.call('report', { audience: 'circle' });
            reports[node.key] = report;
            this.say(`\n== ${node.name} (${node.key}): ` +
                `${await this.syncState(node)}`);
            this.say(text.trimEnd());
            if (node !== this.circle.moderator) {
                await this.sayOwnExtract(node);
            }
        }
        for (const key of Object.keys(reports)) {
            faults.push(...differences(reports[key], reports.MOD, key));
        }
        faults.push(...differences(reports.MOD,
            expectedReport(this.situations), 'the report'));
        if (!proof.isProved) {
            faults.push('not every pair of nodes is proved equal');
        }
        this.writeJson(reports.MOD);
        return faults;
    }

    // What only this structure is shown besides: the part that it presented.
    async sayOwnExtract(node) {
        const { report: own } =
            await node.call('report', { audience: 'structure' });
        this.say(`Presented by ${node.name}: ${own.situations} situations, ` +
            `${own.cooperation_malfunctions} malfunctions, ` +
            `${own.patient_harmed_of_malfunctions} of these with harm to ` +
            `the patient; ${own.carer_in_difficulty} carers in difficulty`);
    }

    async syncState(node) {
        const { summary, peers } = await node.call('status');
        const others = peers.filter((peer) => !peer.proved)
            .map((peer) => `${peer.name}: ${peer.reason_text || peer.reason ||
                'not proved yet'}`);
        return [`proved equal with ${summary.proved} of ${summary.peers}`,
            ...others].join('; ');
    }

    writeJson(report) {
        if (!this.options.json) {
            return;
        }
        const text = JSON.stringify(report, null, 1) + '\n';
        if (this.options.json === '-') {
            process.stdout.write(text);
        } else {
            fs.writeFileSync(this.options.json, text);
        }
    }

    sayWhereToLook() {
        const entente = path.relative(process.cwd(), path.join(BIN,
            'entente'));
        this.say('\nThe nodes are running. Look around, for example:');
        for (const node of this.circle.nodes) {
            this.say(`  ${entente} status --node ${node.folder}`);
        }
        const first = this.situations.length > 0 ? this.situations[0].id : '';
        this.say(`  ${entente} situation show ${first} ` +
            `--node ${this.circle.moderator.folder}`);
        this.say('Ctrl-C stops them.');
    }

    stayUntilStopped() {
        return new Promise((resolve) => {
            this.release = resolve;
            this.staying = setInterval(() => {}, 1 << 30);
        });
    }

    // However often it is asked for, once.
    clean() {
        this.cleaning = this.cleaning || this.cleanNow();
        return this.cleaning;
    }

    async cleanNow() {
        clearInterval(this.staying);
        await stopAll();
        if (this.circle) {
            this.circle.network.close();
        }
        this.cleanAtExit();
    }

    // Whatever ended us: no process, no folder.
    cleanAtExit() {
        killAll();
        if (this.temporary) {
            fs.rmSync(this.temporary, { recursive: true, force: true });
        }
    }
}

// The first signal ends it in order, the second at once.
function onSignal(demo) {
    const end = async () => {
        if (demo.isInterrupted) {
            process.exit(EXIT_INTERRUPTED);
        }
        demo.isInterrupted = true;
        if (demo.release) {
            demo.release();
            return;
        }
        demo.progress.end();
        await demo.clean();
        process.exit(EXIT_INTERRUPTED);
    };
    ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((name) => process.on(name, end));
    process.on('exit', () => demo.cleanAtExit());
    // Whoever read our output has gone: the demo is played to its end.
    [process.stdout, process.stderr].forEach((stream) => {
        stream.on('error', () => {});
    });
}

function sayFaults(faults, count, seconds) {
    if (faults.length === 0) {
        process.stderr.write(`\n${count} situations; the four nodes agree ` +
            `and are proved equal. ${seconds} s\n`);
        return 0;
    }
    process.stderr.write(`\n${faults.length} faults:\n`);
    faults.slice(0, 20).forEach((fault) => {
        process.stderr.write(`  ${fault}\n`);
    });
    return EXIT_REFUSED;
}

async function main() {
    const started = Date.now();
    const options = parseArguments(process.argv.slice(2));
    if (options.help) {
        process.stdout.write(HELP);
        return 0;
    }
    const demo = new Demo(options, readSituations(options.file));
    onSignal(demo);
    try {
        const faults = await demo.play();
        const code = sayFaults(faults, demo.situations.length,
            ((Date.now() - started) / 1000).toFixed(1));
        if (options.keepRunning || process.stdout.isTTY) {
            demo.sayWhereToLook();
            await demo.stayUntilStopped();
        }
        return code;
    } catch (error) {
        if (demo.isInterrupted) {
            return EXIT_INTERRUPTED; // the daemons went away under us
        }
        throw error;
    } finally {
        await demo.clean();
    }
}

main().then((code) => process.exit(code), (error) => {
    const isUsage = error instanceof UsageError;
    if (isUsage || error instanceof FileError) {
        process.stderr.write(`demo: ${error.message}\n` +
            (isUsage ? `\n${HELP}` : ''));
        process.exit(EXIT_USAGE);
    }
    process.stderr.write(`\ndemo: ${error.stack}\n`);
    process.exit(EXIT_REFUSED);
});
