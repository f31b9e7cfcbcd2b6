/** What a simulated primary receives: on Mondays, from what was asked for in the four weeks before. */
import { DAY_MS } from '../../domain/inventory';

const WEEK_MS = 7 * DAY_MS;
const WEEKS = 4;
/** 1 January 1970 was a Thursday: weeks begin four days later. */
const FIRST_MONDAY = 4 * DAY_MS;
const INITIAL_DAYS = 28;
const INITIAL_WEEKS = 3;

export class Receipts {
  private week: number;
  /** Units asked for by item: this week, then the weeks before it, the latest first. */
  private weeks: Int32Array[];
  /** Units asked for in the days before the measured period. */
  private readonly before: Int32Array;

  constructor(
    private readonly items: number,
    private readonly fill: number,
    since: number,
    private readonly from: number,
  ) {
    this.week = weekOf(since);
    this.weeks = Array.from({ length: WEEKS + 1 }, () => new Int32Array(items));
    this.before = new Int32Array(items);
  }

  observe(item: number, quantity: number, at: number): void {
    const [current] = this.weeks;
    if (current) current[item] = (current[item] ?? 0) + quantity;
    if (at < this.from && at >= this.from - INITIAL_DAYS * DAY_MS) {
      this.before[item] = (this.before[item] ?? 0) + quantity;
    }
  }

  /** Ends the weeks that end by then, and hands on what comes at each one's end. */
  advance(until: number, receive: (at: number, quantities: Int32Array) => void): void {
    while (this.week < weekOf(until)) {
      this.week++;
      this.weeks = [new Int32Array(this.items), ...this.weeks.slice(0, WEEKS)];
      const [, ...past] = this.weeks;
      const quantities = new Int32Array(this.items);
      for (let item = 0; item < this.items; item++) {
        const asked = past.reduce((sum, week) => sum + (week[item] ?? 0), 0);
        quantities[item] = Math.round((this.fill * asked) / WEEKS);
      }
      receive(FIRST_MONDAY + this.week * WEEK_MS, quantities);
    }
  }

  /** Stock at the beginning: three quarters of what was asked for in the last 28 days. */
  initial(): Int32Array {
    return this.before.map((units) => Math.round((INITIAL_WEEKS * units) / WEEKS));
  }
}

function weekOf(at: number): number {
  return Math.floor((at - FIRST_MONDAY) / WEEK_MS);
}
