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

/** Notes that a failure prints: of the ids that it is about, and of its items and everything else last of all. */
const NOTES_OF_IDS_MAX = 40;
const NOTES_OF_ITEMS_MAX = 30;

/** Orders, carts and transfers; items have plain words. */
const ID = /[-.]/;

export class History {
  private readonly notes: Note[] = [];

  add(note: Note): void {
    this.notes.push(note);
  }

  about(subjects: readonly string[]): string {
    const ids = subjects.filter((subject) => ID.test(subject));
    const ofIds = this.notes.filter((note) => note.subjects.some((subject) => ids.includes(subject)));
    const ofItems = this.notes.filter(
      (note) => note.subjects.length === 0 || note.subjects.some((subject) => subjects.includes(subject)),
    );
    const shown = new Set([...ofIds.slice(-NOTES_OF_IDS_MAX), ...ofItems.slice(-NOTES_OF_ITEMS_MAX)]);
    return this.notes
      .filter((note) => shown.has(note))
      .map(line)
      .join('\n');
  }
}

function line({ step, at, who, what }: Note): string {
  return `  step ${String(step).padStart(6)}  ${(at / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(10)} ${what}`;
}
