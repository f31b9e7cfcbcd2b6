/** What the command's exit code says; part of its interface. */
export const EXIT_CODES = {
  ok: 0,
  /** The work failed, or a check found a violation. */
  failed: 1,
  /** The command line or a configuration file is wrong. */
  usage: 2,
  /** A site, Temporal or a database can't be reached. */
  unreachable: 3,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

export const EXIT_CODE_HELP = `
Exit codes:
  0  done
  1  the work failed, or a check found a violation
  2  the command line or a configuration file is wrong
  3  a site, Temporal or a database can't be reached`;

/** An end that the user can do something about: one clear line, and the exit code. */
export class CommandFailure extends Error {
  constructor(
    readonly exitCode: ExitCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export function failed(message: string, cause?: unknown): CommandFailure {
  return new CommandFailure(EXIT_CODES.failed, message, { cause });
}

export function wrongUsage(message: string, cause?: unknown): CommandFailure {
  return new CommandFailure(EXIT_CODES.usage, message, { cause });
}

export function unreachable(message: string, cause?: unknown): CommandFailure {
  return new CommandFailure(EXIT_CODES.unreachable, message, { cause });
}
