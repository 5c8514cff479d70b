/** The table: product, reference and their ratio, as Markdown for people and JSON for programs. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { NAMES, type Name, type Row } from './turns.ts';

const BYTES_PER_GIB = 1024 ** 3;

export type Conditions = {
  users: number;
  /** D1's size with all users in it, before any load. */
  databaseBytes: number;
  /** How long one run of load lasted. */
  seconds: number;
  /** When the bench began. */
  started: Date;
};

export function toMarkdown(rows: Row[], conditions: Conditions): string {
  const { users, databaseBytes, seconds, started } = conditions;
  const memory = Math.round(totalmem() / BYTES_PER_GIB);
  const columns = NAMES.filter((name) => rows.some(({ values }) => values[name] !== undefined));
  return [
    `${users.toLocaleString('en')} users (${Math.round(databaseBytes / users)} bytes of database ` +
      `each), ${seconds} s a round; ${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} ` +
      `cores, ${memory} GiB, Node ${process.version}; ${started.toISOString()}`,
    '',
    `| | ${columns.map((name) => HEADINGS[name]).join(' | ')} | ratio |`,
    `|---|${columns.map(() => '--:|').join('')}--:|`,
    ...rows.map(({ metric, unit, values }) => {
      const cells = columns.map((name) => format(values[name], unit));
      return `| ${metric} | ${cells.join(' | ')} | ${format(ratio(values), '')} |`;
    }),
    '',
  ].join('\n');
}

const HEADINGS: Record<Name, string> = {
  product: 'product',
  isolate: 'without objects',
  reference: 'reference',
};

/** The product's to the reference's; undefined where one of them is. */
const ratio = ({ product, reference }: Row['values']): number | undefined =>
  product === undefined || reference === undefined ? undefined : product / reference;

/** Writes `<name>.md` and `<name>.json`. */
export async function writeReport(
  folder: string,
  name: string,
  rows: Row[],
  conditions: Conditions,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.md`), toMarkdown(rows, conditions));
  const withRatios = rows.map((row) => ({ ...row, ratio: ratio(row.values) }));
  const json = { ...conditions, rows: withRatios };
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(json, null, 2)}\n`);
}

function format(value: number | undefined, unit: string): string {
  if (value === undefined) return '';
  if (Number.isNaN(value)) return 'not available';
  const digits = unit === 'rows' ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0;
  const text = value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${text} ${unit}`.trim();
}
