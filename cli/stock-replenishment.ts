/** `entrepot stock replenish|replenishments|threshold`: what a site runs short of, and what it asks for. */
import { wrongUsage } from './exit-codes';
import { formatTime, print, printJson, printList } from './output';
import { resolveTarget } from './target';
import { type TargetOptions } from './target-options';

type Form = Readonly<Record<string, number>>;

interface ItemThreshold {
  readonly sku: string;
  readonly own: { readonly threshold: Form; readonly refillTo?: Form } | null;
  readonly thresholdUnits: number;
  readonly refillUnits: number;
}

interface Replenishment {
  readonly request: string;
  readonly parent: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
  readonly answers: readonly {
    readonly sku: string;
    readonly outcome: string;
    readonly granted: number;
    readonly reason?: string;
    readonly instead?: { readonly sku: string; readonly quantity: number };
  }[];
  readonly createdAt: string;
}

export async function runReplenish(options: TargetOptions): Promise<void> {
  type Accepted = { workflowId: string; temporalUi: string };
  const { body } = await resolveTarget(options).store<Accepted>('/inventory/replenishments', { method: 'POST' });
  if (options.json) printJson(body);
  else print(`the site looks what it is short of: ${body.workflowId}\nTemporal UI: ${body.temporalUi}`);
}

export async function runReplenishments(options: TargetOptions & { limit: number }): Promise<void> {
  const found = await resolveTarget(options).list<Replenishment>('/inventory/replenishments', {}, options.limit);
  printList(
    options.json,
    found,
    ['asked at', 'of', 'sku', 'units', 'answer', 'granted', 'reason', 'instead'],
    found.flatMap(({ parent, lines, answers, createdAt }) =>
      lines.map(({ sku, quantity }) => {
        const answer = answers.find((candidate) => candidate.sku === sku);
        const { instead } = answer ?? {};
        return [
          ...[formatTime(createdAt), parent, sku, quantity, answer?.outcome ?? 'asked', answer?.granted ?? null],
          ...[answer?.reason ?? null, instead ? `${instead.quantity} of ${instead.sku}` : null],
        ];
      }),
    ),
    'nothing was asked for',
  );
}

export async function runThresholds(options: TargetOptions & { limit: number }): Promise<void> {
  show(options, await resolveTarget(options).list<ItemThreshold>('/inventory/thresholds', {}, options.limit));
}

export async function runThreshold(
  sku: string,
  threshold: Form | undefined,
  options: TargetOptions & { refillTo?: Form; remove?: boolean },
): Promise<void> {
  if (options.remove && (threshold !== undefined || options.refillTo !== undefined)) {
    throw wrongUsage("--remove lets the store's rule hold again: leave the threshold and --refill-to out");
  }
  if (threshold === undefined && options.refillTo !== undefined) {
    throw wrongUsage(`--refill-to needs a threshold: entrepot stock threshold ${sku} 12 --refill-to 30`);
  }
  const path = `/inventory/thresholds/${encodeURIComponent(sku)}`;
  const refill = options.refillTo === undefined ? {} : { refillTo: options.refillTo };
  const call = options.remove
    ? ({ method: 'DELETE' } as const)
    : threshold === undefined
      ? {}
      : ({ method: 'PUT', body: { threshold, ...refill } } as const);
  const { body } = await resolveTarget(options).store<ItemThreshold>(path, call);
  show(options, [body]);
}

function show({ json }: TargetOptions, thresholds: readonly ItemThreshold[]): void {
  printList(
    json,
    thresholds,
    ['sku', 'short below', 'filled up to', 'rule'],
    thresholds.map(({ sku, own, thresholdUnits, refillUnits }) => [
      ...[sku, thresholdUnits, refillUnits],
      own === null
        ? "the store's"
        : [own.threshold, own.refillTo].flatMap((form) => (form ? [written(form)] : [])).join(', then '),
    ]),
    'no item has a threshold',
  );
}

function written(form: Form): string {
  return Object.entries(form)
    .map(([kind, value]) => `${value} ${kind}`)
    .join();
}
