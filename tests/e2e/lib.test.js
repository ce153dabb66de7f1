'use strict';
// The tools of these tests, tested: what they refuse, above all.
const assert = require('assert');
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const test = require('node:test');
const { parseRows, parseTable } = require('./lib/csv');
const { Network } = require('./lib/links');
const { decode, encode } = require('./lib/msgpack');
const { COLUMNS, differences, expectedReport, generate, parseSituations } =
    require('./lib/review');
const { RpcClient } = require('./lib/rpc');

const DATA = path.join(__dirname, '../data');
const FIXTURE = fs.readFileSync(path.join(DATA, 'situations.csv'), 'utf8')
    .replace(/\r\n/g, '\n');

test('csv: quotes, line ends and a byte order mark', () => {
    const text = '\ufeffa,"b ""c"", d"\r\n"two\nlines",\r\n\r\nx,y';
    assert.deepStrictEqual(parseRows(text), [
        { line: 1, cells: ['a', 'b "c", d'] },
        { line: 2, cells: ['two\nlines', ''] },
        { line: 5, cells: ['x', 'y'] },
    ]);
});

test('csv: what is malformed is refused with its line', () => {
    const refused = [
        ['a,b\n1,"2', /line 2: a quote that is never closed/],
        ['a,b\n1,2"', /line 2: a quote inside/],
        ['a,b\n1,"2"3', /line 2: something after/],
        ['a,b\n1,2\n1', /line 3: 1 cells where 2 belong/],
        ['a,b\n1,2,3', /line 2: 3 cells/],
        ['a\n1', /line 1: column "b" is missing/],
        ['a,b,c\n', /line 1: column "c" is unknown/],
        ['a,b,a\n', /line 1: column "a" is unknown or there twice/],
        ['', /line 1: the file is empty/],
    ];
    for (const [text, reason] of refused) {
        assert.throws(() => parseTable(text, ['a', 'b']), reason);
    }
});

test('the review fixture gives the expected report', () => {
    const expected = JSON.parse(
        fs.readFileSync(path.join(DATA, 'expected_report.json'), 'utf8'));
    assert.deepStrictEqual(expectedReport(parseSituations(FIXTURE)), expected);
});

function changed(column, value) {
    const lines = FIXTURE.split('\n').slice(0, 2)
        .map((line) => line.split(','));
    lines[1][COLUMNS.indexOf(column)] = value;
    return lines.map((cells) => cells.join(',')).join('\n');
}

test('a row that is off is refused with its line', () => {
    const wrong = [['id', ''], ['session', '0'], ['session', 'x'],
        ['presenter', 'Q'], ['coop', '2'], ['patient_physical', 'bad'],
        ['carer', ''], ['avoidable', 'perhaps'], ['code', 'lower'],
        ['mode_H', 'shouting'], ['Q3_C', 'yes']];
    for (const [column, value] of wrong) {
        assert.throws(() => parseSituations(changed(column, value)),
            (error) => error.line === 2, `${column}=${value}`);
    }
    assert.throws(() => parseSituations(FIXTURE +
        FIXTURE.split('\n')[1]), /line 12: id "S01" is there twice/);
});

test('columns may stand in another order', () => {
    const rows = FIXTURE.trim().split('\n').map((line) => line.split(','));
    const turned = rows.map((cells) => [...cells].reverse().join(','))
        .join('\r\n');
    assert.deepStrictEqual(parseSituations('\ufeff' + turned),
        parseSituations(FIXTURE));
});

test('nothing, one situation, and silence', () => {
    const none = expectedReport([]);
    assert.strictEqual(none.alpha.Q2, null);
    assert.strictEqual(none.wilson95.coop, null);
    assert.deepStrictEqual(none.presented_by, { P: 0, H: 0, C: 0 });
    const [one] = parseSituations(generate(1, 1));
    for (const x of ['P', 'H', 'C']) {
        one.perspectives[x] = { mode: x === 'P' ? 'joint' : 'referral',
            Q2: '', Q3: '', Q4: '' };
    }
    const report = expectedReport([one]);
    assert.strictEqual(report.perspectives_received, 0);
    assert.strictEqual(report.mode_disagreement, 1);
    assert.strictEqual(report.alpha.Q3, null);
});

test('reports are compared number by number', () => {
    const report = expectedReport(parseSituations(FIXTURE));
    const other = JSON.parse(JSON.stringify(report));
    assert.deepStrictEqual(differences(other, report), []);
    other.alpha.Q2 += 0.0001;
    assert.deepStrictEqual(differences(other, report), []);
    other.patient_harmed = 7;
    other.alpha.Q3 = null;
    delete other.by_code['INFO-LATE'];
    assert.strictEqual(differences(other, report).length, 3);
});

test('msgpack: there and back', () => {
    const value = { list: [0, 127, 128, 255, 65535, 65536, 2 ** 32, -1, -32,
        -33, -128, -129, -32769, -(2 ** 31) - 1, 0.5, null, true, false],
    text: ['', 'é'.repeat(20), 'x'.repeat(40), 'y'.repeat(300),
        'z'.repeat(70000)],
    many: Array.from({ length: 70000 }, (_, i) => i % 7), empty: {} };
    assert.deepStrictEqual(decode(encode(value)), value);
    assert.throws(() => decode(encode('abc').subarray(0, 2)), /cut short/);
    assert.throws(() => decode(Buffer.from([0xc1])), /code c1/);
    assert.throws(() => decode(Buffer.from([0x01, 0x02])), /after the value/);
});

test('rpc: answers, refusals, and a daemon that goes away', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'entente-rpc-'));
    const socketPath = path.join(folder, 's');
    const server = net.createServer((socket) => {
        socket.on('data', (data) => {
            const [, id, method] = decode(data.subarray(4));
            if (method === 'leave') {
                socket.destroy();
                return;
            }
            const answers = [encode([2, 'progress', {}]),
                encode(method === 'no' ?
                    [1, id, { code: 'a.rule', exit: 1, text: 'No.' }, null] :
                    [1, id, null, { method }])];
            for (const body of answers) {
                const length = Buffer.alloc(4);
                length.writeUInt32BE(body.length);
                // In two pieces: the reader has to put them together.
                socket.write(length.subarray(0, 3));
                socket.write(Buffer.concat([length.subarray(3), body]));
            }
        });
    });
    await new Promise((resolve) => { server.listen(socketPath, resolve); });
    const client = await RpcClient.connect(socketPath);
    assert.deepStrictEqual(await client.call('yes'), { method: 'yes' });
    await assert.rejects(client.call('no'), (error) =>
        error.code === 'a.rule' && error.exit === 1);
    await assert.rejects(client.call('leave'), /went away/);
    await assert.rejects(client.call('yes'), /is gone/);
    server.close();
    fs.rmSync(folder, { recursive: true });
});

function connectTo(port) {
    return new Promise((resolve) => {
        const socket = net.createConnection(port, '127.0.0.1');
        socket.on('error', () => {});
        socket.on('data', (data) => resolve({ socket, data: String(data) }));
        socket.on('close', () => resolve({ socket, data: null }));
    });
}

test('links: a node is cut off both ways and comes back', async () => {
    const server = net.createServer((socket) => {
        socket.on('error', () => {});
        socket.write('hello');
    });
    await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const network = new Network();
    const address = await network.add('B');
    await network.add('A');
    const port = Number(address.split(':')[1]);
    assert.strictEqual((await connectTo(port)).data, null, 'B is down');
    network.up('B', null, server.address().port);
    network.up('A', process.pid, 1);
    const open = await connectTo(port);
    assert.strictEqual(open.data, 'hello');
    assert.strictEqual([...network.links][0].from, 'A');
    const closed = new Promise((resolve) => {
        open.socket.on('close', resolve);
    });
    network.cut('A'); // the one that calls
    await closed;
    assert.strictEqual((await connectTo(port)).data, null);
    network.heal('A');
    const again = await connectTo(port);
    assert.strictEqual(again.data, 'hello');
    network.close();
    server.close();
});
