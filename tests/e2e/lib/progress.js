'use strict';
// A progress line on stderr: rewritten in place on a terminal, else one line
// for each step.

class Progress {
    constructor(total, stream = process.stderr) {
        this.total = total;
        this.done = 0;
        this.stream = stream;
        this.started = Date.now();
    }

    // One step of the way is done, or (`isStep` false) something is told.
    tell(text, isStep = true) {
        this.done = Math.min(this.done + (isStep ? 1 : 0), this.total);
        const percent = Math.floor(100 * this.done / this.total);
        const seconds = (Date.now() - this.started) / 1000;
        const left = this.done > 0 && this.done < this.total ?
            `, ${Math.ceil(seconds * (this.total - this.done) / this.done)}` +
            ' s left' : '';
        const line = `${String(percent).padStart(3)} %  ` +
            `${seconds.toFixed(1)} s${left}  ${text}`;
        if (this.stream.isTTY) {
            const columns = this.stream.columns || 80;
            this.stream.write(`\r\x1b[K${line.slice(0, columns - 1)}`);
        } else {
            this.stream.write(`${line}\n`);
        }
    }

    end() {
        if (this.stream.isTTY) {
            this.stream.write('\r\x1b[K');
        }
    }
}

module.exports = { Progress };
