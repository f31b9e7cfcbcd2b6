/**
 * A site of the simulation: its database file, and the process that runs on it while it lives. The process is what a
 * site's process is made of: the real relay, the real activities, the real registration with the topology's authority.
 */
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Context, asyncLocalStorage } from '@temporalio/activity';
import { v7 as uuidv7 } from 'uuid';
import { type SiteContext, type StoreSettings } from '../../activities/context';
import { type Observation } from '../../activities/observation';
import { Pause } from '../../activities/pause';
import { takeTopology } from '../../activities/topology';
import { withoutProcess } from '../../activities/without-process';
import { copySqlite, renewDatabase } from '../../db/backup';
import { noRetries } from '../../db/database';
import { openDatabase } from '../../db/migrate';
import { loadTopology, seedTopology } from '../../db/topology';
import { type Runtime } from '../../domain/runtime';
import { queueOfPrimary, queueOfSite } from '../../domain/topology';
import { scopedActivities } from '../../workers/activity-scope';
import { askAuthority } from '../../workers/registration';
import { Relay } from '../../workers/relay';
import { demandCounter } from '../../workers/demand-counter';
import { reservationExpiry } from '../../workers/reservation-expiry';
import { stockCarrier } from '../../workers/stock-carrier';
import { type Counters } from './counters';
import { SimulatedDatabase } from './database';
import { type Dice } from './dice';
import { type Peer, transportOf } from './network';
import { type Oracle } from './oracle';
import { Life, type Scheduler } from './scheduler';
import { type Worker } from './temporal/activity-tasks';
import { temporalClient } from './temporal/client';
import { type TemporalServer } from './temporal/server';
import { type Weather } from './weather';

export interface SiteSurroundings {
  readonly scheduler: Scheduler;
  readonly weather: Weather;
  readonly counters: Counters;
  readonly oracle: Oracle;
  readonly temporal: TemporalServer;
  readonly settings: StoreSettings;
  readonly observation: Observation;
  /** A migrated database with the catalogue in it, as every site begins. */
  readonly template: string;
  /** Where the sites' files are. */
  readonly folder: string;
  /** The others, as the network knows them. */
  readonly peer: (name: string) => Peer;
}

/** Backups of a site that are kept. */
const BACKUPS_KEPT_MAX = 4;
/** A killed process is started again after up to this long, milliseconds. */
const RESTART_MS_MAX = 8_000;
/** How often a site registers again, and how long it waits when nobody answers, milliseconds. */
const REGISTER_INTERVAL_MS = 60_000;
const REGISTER_AGAIN_MS = 2_000;
/** A site's clock is off by up to this much, milliseconds. */
const CLOCK_OFFSET_MS_MAX = 10 * 60_000;

/** Directions of the link between a site and Temporal that are cut. */
export interface Cut {
  toSite: boolean;
  fromSite: boolean;
}

export interface Process {
  readonly life: Life;
  readonly context: SiteContext;
  readonly worker: Worker;
  /** Queues that it polls; none before it has registered. */
  queues: ReadonlySet<string>;
}

export class Site {
  process: Process | undefined;
  readonly cut: Cut = { toSite: false, fromSite: false };
  private file: string;
  private generations = 0;
  private backups: string[] = [];
  private backupsMade = 0;
  private readonly clockOffset: number;
  /** Times that it was restored. */
  restores = 0;
  private callOffRestart: () => void = () => undefined;

  constructor(
    readonly name: string,
    private readonly around: SiteSurroundings,
  ) {
    const { oracle, template, scheduler } = around;
    this.file = this.nextFile();
    copyFileSync(template, this.file);
    this.clockOffset = scheduler.dice.between(-CLOCK_OFFSET_MS_MAX, CLOCK_OFFSET_MS_MAX);
    oracle.follow(name, this.file);
  }

  /** Its database's file, for who writes to it before the site starts. */
  get location(): string {
    return this.file;
  }

  get hears(): boolean {
    return !this.cut.toSite;
  }

  get speaks(): boolean {
    return !this.cut.fromSite;
  }

  boot(): void {
    const { scheduler, weather, counters, temporal, settings, observation, oracle, peer } = this.around;
    const life = new Life(this.name, scheduler);
    const real = openDatabase(this.file, noRetries());
    const crash = (where: string) => this.crash(where);
    const db = new SimulatedDatabase(real, life, { weather, counters, crash });
    const way = { life, weather, counters, server: temporal, hears: () => this.hears, speaks: () => this.speaks };
    const client = temporalClient(way);
    const relay: { current?: Relay } = {};
    const runtime = this.runtime(scheduler.dice);
    const context: SiteContext = {
      ...withoutProcess(this.name, runtime.random),
      ...observation,
      stores: new Map([[settings.store, settings]]),
      db,
      runtime,
      transport: transportOf(life, { weather, counters, settings, peer }),
      temporalReach: async () => ({ reached: temporal.up, reason: null }),
      outboxHasWork: () => relay.current?.poke(),
    };
    const link = { again: () => undefined as void };
    const worker = this.workerOf(life, context, () => link.again());
    this.process = { life, context, worker, queues: new Set() };
    oracle.note(this.name, 'starts');
    scheduler.spawn(
      life,
      'start',
      async () => {
        await db.transaction((tx) =>
          seedTopology(
            tx,
            settings.configuredTopology,
            this.name,
            context.runtime.ids.uuid(),
            context.runtime.clock.now(),
          ),
        );
        relay.current = new Relay(context, () => client);
        relay.current.start();
        stockCarrier(context).start();
        demandCounter(context).start();
        reservationExpiry(context).start();
        await this.stayRegistered(context, client, link);
      },
      (outcome) => {
        // A database that has no room at the start ends the process: whatever runs it starts it again.
        if ('error' in outcome) this.crash('at its start');
      },
    );
  }

  /** The process is killed, wherever it is; its database is what it had committed. */
  crash(where: string): void {
    const { process } = this;
    if (!process) return;
    const { scheduler, oracle } = this.around;
    this.process = undefined;
    oracle.note(this.name, `is killed ${where}`);
    const copy = this.nextFile();
    copyLive(this.file, copy);
    this.file = copy;
    scheduler.kill(process.life);
    void process.context.db.close();
    oracle.follow(this.name, copy);
    const outside = new Life(this.name, scheduler);
    this.callOffRestart = scheduler.later(outside, 'restart', scheduler.dice.below(RESTART_MS_MAX), () => this.boot());
  }

  backUp(): void {
    const backup = join(this.around.folder, `${this.name}-backup-${++this.backupsMade}.db`);
    copySqlite(this.file, backup);
    this.backups = [...this.backups, backup].slice(-BACKUPS_KEPT_MAX);
  }

  get hasRegistered(): boolean {
    return (this.process?.queues.size ?? 0) > 0;
  }

  get hasBackup(): boolean {
    return this.backups.length > 0;
  }

  /** Its disk is lost; a backup of before takes its place, as `entrepot restore` does it. */
  async restore(): Promise<void> {
    const { scheduler, oracle } = this.around;
    const backup = scheduler.dice.pick(this.backups);
    this.callOffRestart();
    if (this.process) scheduler.kill(this.process.life);
    void this.process?.context.db.close();
    this.process = undefined;
    this.file = this.nextFile();
    copyFileSync(backup, this.file);
    const db = openDatabase(this.file, noRetries());
    const { ids, clock } = this.runtime(scheduler.dice);
    await renewDatabase(db, { makeDataId: () => ids.uuid(), keepRights: false, now: clock.now() });
    await db.close();
    this.restores++;
    oracle.note(this.name, `is restored from backup ${backup.replace(/^.*-|\.db$/g, '')}`);
    oracle.followRestored(this.name, this.file);
    this.boot();
  }

  private nextFile(): string {
    const file = join(this.around.folder, `${this.name}-${++this.generations}.db`);
    for (const left of [file, `${file}-wal`, `${file}-shm`]) rmSync(left, { force: true });
    return file;
  }

  private runtime(dice: Dice): Runtime {
    const { scheduler } = this.around;
    const now = () => scheduler.now + this.clockOffset;
    return {
      clock: { now },
      ids: { uuid: () => uuidv7({ msecs: now(), random: dice.bytes(16), seq: dice.below(2 ** 31) }) },
      random: { next: () => dice.fraction(), bytes: (size) => dice.bytes(size) },
    };
  }

  private workerOf(life: Life, context: SiteContext, topologyChanged: () => void): Worker {
    const activities = scopedActivities(context, { topologyChanged });
    return {
      life,
      hears: () => this.hears,
      speaks: () => this.speaks,
      perform: ({ type, workflowId, attempt }, input) => {
        const info = { activityType: type, attempt, workflowExecution: { workflowId, runId: '' } };
        return asyncLocalStorage.run({ info } as unknown as Context, async () =>
          activities[type]?.(input as Parameters<(typeof activities)[string]>[0]),
        );
      },
    };
  }

  /** As the link to Temporal does it: queues are polled once the authority has given these data their number. */
  private async stayRegistered(
    context: SiteContext,
    client: ReturnType<typeof temporalClient>,
    link: { again: () => void },
  ): Promise<void> {
    const { settings } = this.around;
    const pause = new Pause();
    link.again = () => pause.cut();
    for (;;) {
      let wait = REGISTER_INTERVAL_MS;
      try {
        const own = await loadTopology(context.db, settings.store);
        if (own.incarnation > 0 && own.topology.version > 0) this.poll(own.topology);
        await takeTopology(context, await askAuthority(client, own, context.url));
        this.poll((await loadTopology(context.db, settings.store)).topology);
      } catch {
        wait = REGISTER_AGAIN_MS;
      }
      await pause.wait(wait);
    }
  }

  private poll(topology: Parameters<typeof queueOfPrimary>[0]): void {
    if (!this.process) return;
    const primary = topology.primary === this.name ? [queueOfPrimary(topology)] : [];
    this.process.queues = new Set([queueOfSite(topology, this.name), ...primary]);
  }
}

/** What a killed process leaves on its disk: the file and its log, without what was not committed. */
function copyLive(from: string, to: string): void {
  copyFileSync(from, to);
  if (existsSync(`${from}-wal`)) copyFileSync(`${from}-wal`, `${to}-wal`);
}
