/** What a check of the doctor says. */

export const CHECKS = [
  ...(['configuration', 'sealing keys', 'port', 'site', 'database', 'rights', 'migrations'] as const),
  ...(['disk', 'Temporal', 'clock', 'epoch'] as const),
] as const;
export type Check = (typeof CHECKS)[number];

export interface Finding {
  readonly check: Check;
  /** The site, file, folder or server that it is about. */
  readonly about: string;
  readonly level: 'ok' | 'warning' | 'fault';
  readonly message: string;
  /** What to do; null where nothing is to be done. */
  readonly remedy: string | null;
}

/** The findings of one check about one thing. */
export class Findings {
  constructor(
    private readonly check: Check,
    private readonly about: string,
  ) {}

  ok(message: string): Finding {
    return { check: this.check, about: this.about, level: 'ok', message, remedy: null };
  }

  warning(message: string, remedy: string): Finding {
    return { check: this.check, about: this.about, level: 'warning', message, remedy };
  }

  fault(message: string, remedy: string): Finding {
    return { check: this.check, about: this.about, level: 'fault', message, remedy };
  }
}
