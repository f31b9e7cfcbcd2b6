/**
 * Counts units. Every unit came in by a receipt of the warehouse's own list, and is somewhere: a right of one site, on
 * its way, sold, or lost with data that were lost. What a site has committed once is remembered, whatever becomes of
 * its data.
 */
import { type Units, plus, same, show, unitsOf } from './amounts';
import { type LedgerRow, type LevelRow, type News, type TransferRow } from './books';
import { Violation } from './violation';

interface Happening {
  readonly site: string;
  /** More, or less; less than was to be taken may be there. */
  readonly units: Units;
  booked: boolean;
  /** It was booked in data that are lost. */
  lost: boolean;
}

interface Given {
  readonly giver: string;
  readonly taker: string;
  readonly units: Units;
  credited: boolean;
  voided: boolean;
  /** Its taker says that it never will credit it: it was given to data that are lost. */
  stranded: boolean;
  /** It was given by data that are lost: whether it arrives is left to what had gone out before. */
  giverLost: boolean;
  /** The giver knows what has become of it. */
  settled: boolean;
}

const ON_ITS_WAY = new Set(['in-flight', 'in-doubt']);

export type Tell = (who: string, what: string, subjects: readonly string[]) => void;

export class Stock {
  /** What came in at the warehouse: receipts by their ids. */
  private readonly arrived = new Map<string, Units>();
  private readonly booked = new Set<string>();
  private readonly transfers = new Map<string, Given>();
  /** Transfers that an order was waiting for. */
  borrowed = 0;
  /** Reservations that went back to the root. */
  expired = 0;
  /** Transfers given to a site that ran low. */
  replenished = 0;
  /** What each site was last seen with. */
  private readonly levels = new Map<string, readonly LevelRow[]>();
  private readonly received = new Map<string, number>();
  private readonly adjusted = new Map<string, number>();
  private readonly inFlight = new Map<string, number>();
  private readonly sold = new Map<string, number>();
  private readonly lost = new Map<string, number>();
  /** What has happened to the goods of a site, by the cause that its movement names. */
  private readonly happenings = new Map<string, Happening>();
  private readonly wereRestored = new Set<string>();
  /** What each site has given something for. */
  private readonly givenFor = new Map<string, Set<string>>();

  constructor(private readonly tell: Tell) {}

  /** The warehouse takes units in, and will book them under this id. */
  arrive(receipt: string, units: Units): void {
    this.arrived.set(receipt, units);
  }

  /** Something happens to the goods of a site, and is told under this name: so much more there, or less. */
  happen(update: string, site: string, units: Units): void {
    this.happenings.set(`update:${update}`, { site, units, booked: false, lost: false });
  }

  /** Units that have come in, whoever has booked them. */
  get items(): string[] {
    return [...new Set([...this.arrived.values()].flatMap((units) => [...units.keys()]))];
  }

  transfersOnTheirWay(): string[] {
    return [...this.transfers]
      .filter(([, { credited, voided, stranded, giverLost }]) => !credited && !voided && !stranded && !giverLost)
      .map(([id]) => id);
  }

  /** Transfers of which their giver does not know that they were taken. */
  transfersUnderWay(): string[] {
    return [...this.transfers].filter(([, { settled, giverLost }]) => !settled && !giverLost).map(([id]) => id);
  }

  /** Who is sent a transfer that its giver does not know to be taken. */
  takersUnderWay(): string[] {
    const open = [...this.transfers.values()].filter(({ settled, giverLost }) => !settled && !giverLost);
    return [...new Set(open.map(({ taker }) => taker))];
  }

  /** Reads what a site has committed. */
  read(site: string, { ledger, levels, sums, transfers }: News): void {
    this.requireLevels(site, levels, sums);
    this.requireGivenOnce(site, ledger);
    const withdrawn = new Set(ledger.filter(isWithdrawnVoid).map(({ cause }) => cause));
    for (const rows of byMovement(ledger)) this.movement(site, rows, withdrawn);
    for (const cause of withdrawn) {
      if (!ledger.some(({ movement }) => movement === cause))
        throw new Violation(1, `${site} withdrew what it took back (${cause}), and took nothing back`, []);
    }
    for (const row of transfers) this.requireTransfer(site, row);
    this.levels.set(site, levels);
  }

  /** An order was sold, or is no longer. */
  sell(units: Units, sign: 1 | -1 = 1): void {
    plus(this.sold, units, sign);
  }

  /** A site's data were lost, and older ones are in their place; what is missing now is lost, and none may be too many. */
  restored(site: string, { ledger, levels, transfers }: News): void {
    this.wereRestored.add(site);
    this.givenFor.set(site, new Set(ledger.filter(isGiven).map(({ cause }) => cause)));
    const there = new Set(transfers.map(({ id }) => id));
    for (const [id, given] of this.transfers) if (given.giver === site && !there.has(id)) given.giverLost = true;
    const before = sumOfAccounts(this.levels.get(site) ?? []);
    const after = sumOfAccounts(levels);
    for (const sku of new Set([...before.keys(), ...after.keys()])) {
      plus(this.lost, [[sku, (before.get(sku) ?? 0) - (after.get(sku) ?? 0)]]);
    }
    this.requireNotMore(site, levels);
    this.levels.set(site, levels);
    this.tell(site, `restored; with its data went ${show(this.lost)} so far`, []);
  }

  /** What lost data had sold or granted, older data must not have again: neither account has more than it had. */
  private requireNotMore(site: string, levels: readonly LevelRow[]): void {
    for (const { sku, account, rights } of levels) {
      const had = this.levels.get(site)?.find((level) => level.sku === sku && level.account === account)?.rights ?? 0;
      if (rights <= had) continue;
      const detail = `${site} was restored with ${rights} × ${sku} (${account}); its lost data had ${had}`;
      throw new Violation(1, detail, [sku]);
    }
  }

  /** Invariant 1: nothing is made, nothing vanishes. */
  requireBalance(): void {
    const rights = [...this.levels].map(([site, levels]) => [site, sumOfAccounts(levels)] as const);
    for (const sku of this.items) {
      const own = rights.map(([site, units]) => [site, units.get(sku) ?? 0] as const);
      const held = own.reduce((sum, [, units]) => sum + units, 0);
      const of = (sums: Units) => sums.get(sku) ?? 0;
      const there = held + of(this.inFlight) + of(this.sold) + of(this.lost);
      const come = of(this.received) + of(this.adjusted);
      if (there === come) continue;
      const detail =
        `${sku}: ${come} received (${of(this.adjusted)} of them by counting), but ${there} accounted for: ` +
        `${own.map(([site, units]) => `${units} at ${site}`).join(', ')}, ` +
        `${of(this.inFlight)} on their way, ${of(this.sold)} sold, ${of(this.lost)} lost with data`;
      throw new Violation(1, detail, [sku]);
    }
  }

  /** Invariant 1, from outside: what was sold is not more than what has come in. */
  requireNothingOversold(): void {
    const come = new Map<string, number>();
    for (const units of this.arrived.values()) plus(come, units);
    for (const { units, booked } of this.happenings.values()) if (booked) plus(come, more(units));
    for (const [sku, sold] of this.sold) {
      const there = come.get(sku) ?? 0;
      if (sold > there) throw new Violation(1, `${sku}: ${sold} were sold, and ${there} ever came in`, [sku]);
    }
  }

  private requireLevels(site: string, levels: readonly LevelRow[], sums: readonly LevelRow[]): void {
    const booked = new Map(sums.map(({ sku, account, rights }) => [`${sku} ${account}`, rights]));
    for (const { sku, account, rights } of levels) {
      if (rights < 0) throw new Violation(1, `${site} has ${rights} × ${sku} (${account})`, [sku]);
      const sum = booked.get(`${sku} ${account}`) ?? 0;
      if (rights !== sum) {
        throw new Violation(1, `${site} has ${rights} × ${sku} (${account}), and its ledger says ${sum}`, [sku]);
      }
      booked.delete(`${sku} ${account}`);
    }
    for (const [key, sum] of booked) {
      const [sku = ''] = key.split(' ');
      if (sum !== 0) throw new Violation(1, `${site} has no level of ${key}, and its ledger says ${sum}`, [sku]);
    }
  }

  /** Invariant 5: a site gives what it was asked for in one COMMIT, however often it is asked. */
  private requireGivenOnce(site: string, ledger: readonly LedgerRow[]): void {
    const known = this.givenFor.get(site) ?? new Set();
    const given = ledger.filter(isGiven);
    const again = given.find(({ cause }) => known.has(cause));
    if (again) {
      const about = [again.sku, ...(again.transfer === null ? [] : [again.transfer])];
      throw new Violation(5, `${site} gives again for ${again.cause}: ${showRow(again)} as ${again.movement}`, about);
    }
    for (const { cause } of given) known.add(cause);
    this.givenFor.set(site, known);
  }

  private movement(site: string, rows: readonly LedgerRow[], withdrawn: ReadonlySet<string>): void {
    const [first] = rows;
    if (!first) return;
    const units = unitsOf(rows);
    const skus = [...units.keys()];
    const about = [...skus, ...(first.transfer === null ? [] : [first.transfer]), first.cause.replace(/^order:/, '')];
    this.tell(site, `${first.kind} ${first.movement}: ${rows.map(showRow).join(', ')}`, about);
    if (first.cause.startsWith('update:')) return this.update(site, first, units);
    switch (first.kind) {
      case 'receipt':
        return this.receipt(site, first.cause.replace(/^receipt:/, ''), units);
      case 'grant':
        return this.requireInternal(site, first, units);
      case 'transfer-out':
        return this.give(site, first, units);
      case 'transfer-in':
        return first.movement.startsWith('void:')
          ? this.takeBack(site, first, units, withdrawn.has(first.movement))
          : this.credit(site, first, units);
      case 'adjustment':
        return this.adjust(site, first, units);
      case 'sale':
      case 'return':
        // Counted by the orders themselves, see orders.ts.
        return;
      default:
        throw new Violation(1, `${site} has booked a ${first.kind}, which nobody has explained to the oracle`, skus);
    }
  }

  /** What has happened at a site, and is booked there once: see actors/updates.ts. */
  private update(site: string, { cause, movement }: LedgerRow, units: Units): void {
    const happened = this.happenings.get(cause);
    const skus = [...units.keys()];
    if (!happened) throw new Violation(5, `${site} books ${movement}, which never happened`, skus);
    if (happened.booked && !happened.lost) {
      throw new Violation(5, `${site} books ${movement} again: ${show(units)}`, skus);
    }
    // What was to be taken and is not there is reported as a shortage.
    const fits = [...units].every(([sku, n]) => {
      const most = happened.units.get(sku) ?? 0;
      return most < 0 ? n < 0 && n >= most : n === most;
    });
    if (happened.site !== site || !fits) {
      throw new Violation(5, `${site} books ${show(units)} as ${movement}; ${show(happened.units)} happened`, skus);
    }
    happened.booked = true;
    plus(this.adjusted, units);
  }

  /** `withdrawn`: and it has them no more, for data that were lost may have taken them back before. */
  private takeBack(site: string, { transfer, movement }: LedgerRow, units: Units, withdrawn: boolean): void {
    const id = transfer ?? movement;
    const about = [...units.keys(), id];
    const given = this.transfers.get(id);
    if (!given || given.giver !== site) throw new Violation(1, `${site} takes back transfer ${id}, not its own`, about);
    if (given.credited)
      throw new Violation(1, `${site} takes back transfer ${id}, which ${given.taker} has credited`, about);
    if (withdrawn && !this.wereRestored.has(site))
      throw new Violation(1, `${site} withdraws transfer ${id}, which it took back, and has lost no data`, about);
    if (given.voided && !withdrawn) throw new Violation(1, `${site} takes back transfer ${id} again`, about);
    if (!same(given.units, units)) {
      throw new Violation(1, `${site} takes back ${show(units)} of ${id}, and gave ${show(given.units)}`, about);
    }
    if (given.voided) return;
    given.voided = true;
    plus(this.inFlight, units, -1);
    if (withdrawn) plus(this.lost, units);
  }

  private receipt(site: string, id: string, units: Units): void {
    const came = this.arrived.get(id);
    const skus = [...units.keys()];
    if (!came) throw new Violation(1, `${site} has booked receipt ${id}, which never came in`, skus);
    if (this.booked.has(id)) throw new Violation(1, `${site} has booked receipt ${id} again`, skus);
    if (!same(came, units)) {
      throw new Violation(1, `${site} has booked ${show(units)} of receipt ${id}; ${show(came)} came in`, skus);
    }
    this.booked.add(id);
    plus(this.received, units);
  }

  private requireInternal(site: string, { movement }: LedgerRow, units: Units): void {
    if ([...units.values()].every((quantity) => quantity === 0)) return;
    throw new Violation(1, `${site}: ${movement} makes or loses units: ${show(units)}`, [...units.keys()]);
  }

  private give(site: string, { transfer, counterparty, movement, cause }: LedgerRow, units: Units): void {
    const id = transfer ?? movement;
    const about = [...units.keys(), id];
    const known = this.transfers.get(id);
    const given = negated(units);
    if (known) throw new Violation(1, `${site} gives ${show(given)} as transfer ${id}, an id used before`, about);
    if ([...given.values()].some((quantity) => quantity <= 0)) {
      throw new Violation(1, `transfer ${id} gives ${show(given)}`, about);
    }
    const taker = counterparty ?? '';
    if (cause.startsWith('borrowing:')) this.borrowed++;
    if (cause.startsWith('replenishment:')) this.replenished++;
    if (cause.startsWith('expired:')) this.expired++;
    this.transfers.set(id, {
      giver: site,
      taker,
      units: given,
      credited: false,
      voided: false,
      stranded: false,
      giverLost: false,
      settled: false,
    });
    plus(this.inFlight, given);
  }

  private credit(site: string, { transfer, movement }: LedgerRow, units: Units): void {
    const id = transfer ?? movement;
    const about = [...units.keys(), id];
    const given = this.transfers.get(id);
    if (!given)
      throw new Violation(1, `${site} credits ${show(units)} of transfer ${id}, which nobody has given`, about);
    if (given.credited) throw new Violation(1, `${site} credits transfer ${id} again: ${show(units)}`, about);
    if (given.voided) throw new Violation(1, `${site} credits transfer ${id}, which was taken back`, about);
    if (given.stranded)
      throw new Violation(1, `${site} credits transfer ${id}, which it had said it never would`, about);
    if (given.taker !== site) throw new Violation(1, `${site} credits transfer ${id}, given to ${given.taker}`, about);
    if (!same(given.units, units)) {
      throw new Violation(1, `${site} credits ${show(units)} of ${id}, and ${show(given.units)} were given`, about);
    }
    given.credited = true;
    plus(this.inFlight, units, -1);
  }

  /** What a site says of a transfer is what has happened to it. */
  private requireTransfer(site: string, { id, giver, taker, state }: TransferRow): void {
    const given = this.transfers.get(id);
    const about = [id, ...(given?.units.keys() ?? [])];
    // A taker may refuse what it has never heard of.
    if (!given && state === 'tombstone') return;
    if (!given) throw new Violation(1, `${site} knows of transfer ${id} of ${giver}, which nobody has given`, about);
    if (state === 'credited' && !given.credited) {
      throw new Violation(1, `${site} says that ${taker} has credited transfer ${id}, and it has not`, about);
    }
    if (state === 'stranded' && !this.wereRestored.has(taker)) {
      throw new Violation(1, `${site} says that transfer ${id} is lost with data of ${taker}, which lost none`, about);
    }
    if (state === 'stranded') given.stranded = true;
    if (site === giver && !ON_ITS_WAY.has(state)) given.settled = true;
  }

  private adjust(site: string, { cause, movement }: LedgerRow, units: Units): void {
    // A return that is withdrawn at once, see orders.ts; or what was taken back.
    if (cause.startsWith('order:') || cause.startsWith('void:')) return;
    throw new Violation(1, `${site}: ${movement} adjusts by ${show(units)}, and nothing of the kind has happened`, [
      ...units.keys(),
    ]);
  }
}

function isWithdrawnVoid({ kind, cause }: LedgerRow): boolean {
  return kind === 'adjustment' && cause.startsWith('void:');
}

/** Units leave the account that they were in, for somebody who asked. */
function isGiven({ kind }: LedgerRow): boolean {
  return kind === 'transfer-out' || kind === 'grant';
}

/** Only what was added. */
function more(units: Units): Units {
  return new Map([...units].filter(([, quantity]) => quantity > 0));
}

function byMovement(rows: readonly LedgerRow[]): LedgerRow[][] {
  const movements = new Map<string, LedgerRow[]>();
  for (const row of rows) movements.set(row.movement, [...(movements.get(row.movement) ?? []), row]);
  return [...movements.values()];
}

function sumOfAccounts(levels: readonly LevelRow[]): Map<string, number> {
  return unitsOf(levels.map(({ sku, rights }) => ({ sku, quantity: rights })));
}

function negated(units: Units): Map<string, number> {
  return new Map([...units].map(([sku, quantity]) => [sku, -quantity]));
}

function showRow({ sku, quantity, account }: LedgerRow): string {
  return `${quantity > 0 ? '+' : ''}${quantity} × ${sku} (${account})`;
}
