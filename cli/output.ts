/** What commands print: results on stdout, progress on stderr. */

export type Cell = string | number | null | undefined;

export interface Column {
  readonly title: string;
  readonly align?: 'right';
}

/** A plain table: two spaces between columns, numbers to the right. */
export function formatTable(columns: readonly (string | Column)[], rows: readonly (readonly Cell[])[]): string {
  const heads = columns.map((column): Column => (typeof column === 'string' ? { title: column } : column));
  const texts = rows.map((row) => row.map(formatCell));
  const rights = heads.map(
    (head, index) => head.align === 'right' || (rows.length > 0 && rows.every((row) => typeof row[index] === 'number')),
  );
  const widths = heads.map((head, index) =>
    Math.max(head.title.length, ...texts.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => (rights[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd();
  return [
    line(heads.map((head) => head.title)),
    line(widths.map((width) => '-'.repeat(width))),
    ...texts.map(line),
  ].join('\n');
}

function formatCell(cell: Cell): string {
  if (cell === null || cell === undefined) return '-';
  return typeof cell === 'number' ? formatCount(cell) : cell;
}

/** 12,345 */
export function formatCount(count: number): string {
  return count.toLocaleString('en-GB');
}

/** "1 fault", "3 faults" */
export function formatNumberOf(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** "0.4 s" */
export function formatSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Milliseconds UTC, or the API's text, as `2026-01-31 08:26:00Z`. */
export function formatTime(time: number | string | null | undefined): string {
  if (time === null || time === undefined) return '-';
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

export function print(text = ''): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** What is going on: never mixed with results. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Prints rows as a table, or as JSON when that was asked for. */
export function printList(
  json: boolean | undefined,
  value: unknown,
  columns: readonly (string | Column)[],
  rows: readonly (readonly Cell[])[],
  none: string,
): void {
  if (json) printJson(value);
  else print(rows.length > 0 ? formatTable(columns, rows) : none);
}
