/** How rough it is: the chances of what may go wrong. An episode draws its own; in its end all is calm. */
import { type Dice } from './dice';

export interface Weather {
  /** A site's process is killed before a statement, or before or after a COMMIT. */
  crashAtStatement: number;
  crashBeforeCommit: number;
  crashAfterCommit: number;
  /** A COMMIT whose answer never comes: it has not happened, or it has. */
  commitUndone: number;
  commitDone: number;
  /** The engine is busy, or has no room; the statement is not done. */
  busy: number;
  diskFull: number;
  /** Whoever runs stands still, for longer than anybody waits. */
  stall: number;
  /** A request to Temporal or to a site is lost on its way, or its answer is. */
  lostRequest: number;
  lostAnswer: number;
  /** A request between sites arrives twice. */
  twice: number;
  /** One direction of a link is cut. */
  cut: number;
  /** Temporal is away for a while. */
  temporalAway: number;
  /** A site's process is killed by nothing in particular. */
  kill: number;
  /** A site is restored from an older backup. */
  restore: number;
  /** Old rows of an inbox go. */
  sweep: number;
}

/** When each is drawn: once a statement or COMMIT, once a request, or once in the weather's own rounds. */
const ROUGH: Weather = {
  crashAtStatement: 0.0008,
  crashBeforeCommit: 0.006,
  crashAfterCommit: 0.005,
  commitUndone: 0.006,
  commitDone: 0.006,
  busy: 0.0015,
  diskFull: 0.001,
  stall: 0.0015,
  lostRequest: 0.03,
  lostAnswer: 0.05,
  twice: 0.15,
  cut: 0.25,
  temporalAway: 0.12,
  kill: 0.04,
  restore: 0.2,
  sweep: 0.15,
};

/** Half of the dangers at a time, each up to three times as likely as usual: a run of all at once gets nowhere. */
export function drawWeather(dice: Dice): Weather {
  const drawn = calm();
  for (const danger of Object.keys(ROUGH) as (keyof Weather)[]) {
    if (dice.chance(0.6)) drawn[danger] = ROUGH[danger] * dice.between(1, 3);
  }
  return drawn;
}

export function calm(): Weather {
  return Object.fromEntries(Object.keys(ROUGH).map((danger) => [danger, 0])) as unknown as Weather;
}
