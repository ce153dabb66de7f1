'use strict';
// Runs the demo as a program and gives what it left.
const fs = require('fs');
const os = require('os');
const path = require('path');
const { spawn } = require('child_process');

const DEMO = path.join(__dirname, '../demo.js');

function temporaryFolder() {
    return fs.mkdtempSync(path.join(os.tmpdir(), 'entente-test-'));
}

// { code, signal, stdout, stderr, child, done }. `done` resolves at its end;
// `child` is there at once.
function startDemo(words, env = {}) {
    const child = spawn(process.execPath, [DEMO, ...words],
        { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const run = { child, stdout: '', stderr: '' };
    child.stdout.on('data', (data) => { run.stdout += data; });
    child.stderr.on('data', (data) => { run.stderr += data; });
    run.done = new Promise((resolve) => {
        child.on('close', (code, signal) => {
            resolve(Object.assign(run, { code, signal }));
        });
    });
    return run;
}

function runDemo(words, env) {
    return startDemo(words, env).done;
}

// Processes of this user whose command line names `text`.
function processesWith(text) {
    return fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))
        .filter((pid) => {
            try {
                return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
                    .includes(text);
            } catch {
                return false; // gone meanwhile
            }
        });
}

module.exports = { processesWith, runDemo, startDemo, temporaryFolder };
