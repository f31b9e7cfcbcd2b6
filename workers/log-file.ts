/** A log file that takes what there is room for: a full disk costs lines of the log, never the site. */
import { openSync, writeSync } from 'node:fs';
import { type DestinationStream } from 'pino';

/** pino's own file ends the process when a line can't be written, and then waits for ever for room to write it. */
export class LogFile implements DestinationStream {
  private readonly file: number;
  private lost = 0;

  constructor(path: string) {
    this.file = openSync(path, 'a');
  }

  write(line: string): void {
    try {
      if (this.lost > 0)
        this.append(`\n${JSON.stringify({ level: 50, msg: 'the log had no room', linesLost: this.lost })}\n`);
      this.lost = 0;
      this.append(line);
    } catch {
      this.lost++;
    }
  }

  /** Throws when there is no room for all of it. */
  private append(text: string): void {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length;) written += writeSync(this.file, bytes, written);
  }
}
