/** Do the clocks agree? Each is measured against this machine's, with what the measurement itself may be wrong by. */
import { type Finding, Findings } from './finding';

/** Clocks that differ by this much deserve a look, milliseconds. */
export const CLOCK_WARNING_MS = 5_000;
/** Beyond this, sites begin to refuse each other: a site's token is good for a minute either way, milliseconds. */
export const CLOCK_FAULT_MS = 30_000;
/** What a Date header can't say: it counts whole seconds, milliseconds. */
const DATE_HEADER_GRAIN_MS = 1_000;

export interface ClockReading {
  /** "site north", "the database server of site north". */
  readonly whose: string;
  /** Its time less ours, milliseconds. */
  readonly aheadMs: number;
  /** How far `aheadMs` may be off, milliseconds. */
  readonly uncertainMs: number;
}

/** A time that was taken somewhere between two of ours. */
export function readClock(theirs: number, askedAt: number, answeredAt: number): Omit<ClockReading, 'whose'> {
  return { aheadMs: theirs - (askedAt + answeredAt) / 2, uncertainMs: (answeredAt - askedAt) / 2 };
}

export function readDateHeader(
  header: string | null,
  askedAt: number,
  answeredAt: number,
): Omit<ClockReading, 'whose'> | null {
  const theirs = Date.parse(header ?? '');
  if (Number.isNaN(theirs)) return null;
  const { aheadMs, uncertainMs } = readClock(theirs + DATE_HEADER_GRAIN_MS / 2, askedAt, answeredAt);
  return { aheadMs, uncertainMs: uncertainMs + DATE_HEADER_GRAIN_MS / 2 };
}

export function judgeClocks(readings: readonly ClockReading[]): Finding[] {
  return readings.map(({ whose, aheadMs, uncertainMs }) => {
    const finding = new Findings('clock', whose);
    const surelyOff = Math.abs(aheadMs) - uncertainMs;
    const seconds = Math.abs(aheadMs / 1000).toFixed(1);
    const message = `${seconds} s ${aheadMs < 0 ? 'behind' : 'ahead of'} this machine's clock`;
    const remedy = 'set both clocks by NTP (on Debian: apt-get install chrony); look at the one that differs from most';
    if (surelyOff > CLOCK_FAULT_MS) return finding.fault(message, remedy);
    if (surelyOff > CLOCK_WARNING_MS) return finding.warning(message, remedy);
    return finding.ok(`agrees with this machine's clock to ${((Math.abs(aheadMs) + uncertainMs) / 1000).toFixed(1)} s`);
  });
}
