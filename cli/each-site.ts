/** Asking several sites the same: what those that answer say is shown, and the others are named at the end. */
import { CommandFailure, EXIT_CODES } from './exit-codes';
import { type Target } from './target';

export interface Answers<T> {
  readonly said: readonly T[];
  readonly silent: readonly CommandFailure[];
}

export async function askEach<T>(
  targets: readonly Target[],
  ask: (target: Target) => Promise<readonly T[]>,
): Promise<Answers<T>> {
  const answers = await Promise.all(
    targets.map((target) =>
      ask(target).catch((error: unknown) => {
        if (error instanceof CommandFailure) return error;
        throw error;
      }),
    ),
  );
  return {
    said: answers.flatMap((answer) => (answer instanceof CommandFailure ? [] : answer)),
    silent: answers.filter((answer) => answer instanceof CommandFailure),
  };
}

/** Throws what sites could not be asked for, when there are such. */
export function requireAll(silent: readonly CommandFailure[]): void {
  if (silent.length === 0) return;
  const away = silent.some(({ exitCode }) => exitCode === EXIT_CODES.unreachable);
  const message = silent.map((failure) => failure.message).join('\n');
  throw new CommandFailure(away ? EXIT_CODES.unreachable : EXIT_CODES.failed, message, { cause: silent[0] });
}
