/** What a bench prints: one JSON line, last on stdout (docs/architecture.md). */
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

export interface Result {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Measured in the same run. */
  readonly baseline?: number;
  /** value over baseline. */
  readonly ratio?: number;
  readonly target?: number;
  readonly reached?: boolean;
}

export interface Report {
  readonly bench: string;
  readonly params: Readonly<Record<string, string | number>>;
  readonly results: readonly Result[];
  /** Highest resident set of each process, MiB. */
  readonly peakRssMiB: Readonly<Record<string, number>>;
}

export function printReport(report: Report): void {
  const machine = {
    cpus: cpus().length,
    model: cpus()[0]?.model ?? '',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
  process.stdout.write(`${JSON.stringify({ ...report, machine })}\n`);
}

/** Progress goes to stderr. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The value that the given share of values is not above. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

export function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** Highest resident set of a process so far, MiB, as Linux counts it. */
export function peakRssMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
}
