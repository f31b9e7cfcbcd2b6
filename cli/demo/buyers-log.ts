/** The buyers' own log: what they were told, one JSON line each, on disk before the next thing is asked. */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { failed } from '../exit-codes';

const entrySchema = z.object({
  /** Milliseconds UTC when the answer came. */
  at: z.number(),
  part: z.enum(['day', 'last-units']),
  site: z.string(),
  buyer: z.string(),
  /** Accepted, refused for want of stock, or no usable answer. */
  outcome: z.enum(['ordered', 'refused', 'unknown']),
  status: z.number(),
  cartId: z.string().nullable(),
  orderId: z.string().nullable(),
  /** Of the goods, as the cart showed it to the buyer, for example "105.12". */
  subtotal: z.string().nullable(),
  lines: z.array(z.object({ sku: z.string(), quantity: z.number() })),
  /** The order was sent and answered while the primary's process was provably gone. */
  primaryGone: z.boolean(),
  detail: z.string().nullable(),
});

const headSchema = z.object({
  seed: z.number(),
  /** The scarce item that the last-units buyers wanted, and how many units of it there were. */
  lastUnits: z.object({ sku: z.string(), units: z.number() }),
});

export type LogEntry = z.output<typeof entrySchema>;
export type LogHead = z.output<typeof headSchema>;

export class BuyersLog {
  private readonly handle: number;

  constructor(
    readonly file: string,
    head: LogHead,
  ) {
    this.handle = openSync(file, 'w', 0o600);
    this.append(head);
  }

  write(entry: LogEntry): void {
    this.append(entry);
  }

  private append(line: LogHead | LogEntry): void {
    writeSync(this.handle, `${JSON.stringify(line)}\n`);
    fsyncSync(this.handle);
  }

  close(): void {
    closeSync(this.handle);
  }
}

export function readBuyersLog(file: string): { head: LogHead; entries: LogEntry[] } {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const parsed = lines.map((line, index) => {
    const schema = index === 0 ? headSchema : entrySchema;
    const result = schema.safeParse(JSON.parse(line));
    if (!result.success) throw failed(`${file}, line ${index + 1}: not a line of a buyers' log`, result.error);
    return result.data;
  });
  return { head: parsed[0] as LogHead, entries: parsed.slice(1) as LogEntry[] };
}
