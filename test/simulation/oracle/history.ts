/** What has happened, for people: what a failure prints of the items and ids that it is about. */

export interface Note {
  readonly step: number;
  /** Milliseconds since the simulation began. */
  readonly at: number;
  /** The site, or who else did it. */
  readonly who: string;
  readonly what: string;
  /** Skus, orders, carts and transfers that it is about; none: it concerns everything. */
  readonly subjects: readonly string[];
}

/** Notes that a failure prints. */
const NOTES_SHOWN_MAX = 60;

export class History {
  private readonly notes: Note[] = [];

  add(note: Note): void {
    this.notes.push(note);
  }

  /** The last of what is about these, and what concerned everything meanwhile. */
  about(subjects: readonly string[]): string {
    const own = this.notes.filter((note) => note.subjects.some((subject) => subjects.includes(subject)));
    const first = own.at(-NOTES_SHOWN_MAX)?.step ?? 0;
    const shown = this.notes
      .filter((note) => own.includes(note) || (note.subjects.length === 0 && note.step >= first))
      .slice(-NOTES_SHOWN_MAX);
    return shown.map(line).join('\n');
  }
}

function line({ step, at, who, what }: Note): string {
  return `  step ${String(step).padStart(6)}  ${(at / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(10)} ${what}`;
}
