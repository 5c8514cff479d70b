/** The table: product, reference and their ratio, as Markdown for people and JSON for programs. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Row } from './measure.ts';

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
  return [
    `${users.toLocaleString('en')} users (${Math.round(databaseBytes / users)} bytes of database ` +
      `each), ${seconds} s a round; ${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} ` +
      `cores, ${memory} GiB, Node ${process.version}; ${started.toISOString()}`,
    '',
    '| | product | reference | ratio |',
    '|---|--:|--:|--:|',
    ...rows.map(({ metric, unit, product, reference }) => {
      const cells = [product, reference].map((value) => format(value, unit));
      return `| ${metric} | ${cells.join(' | ')} | ${format(product / reference, '')} |`;
    }),
    '',
  ].join('\n');
}

/** Writes `<name>.md` and `<name>.json`. */
export async function writeReport(
  folder: string,
  name: string,
  rows: Row[],
  conditions: Conditions,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.md`), toMarkdown(rows, conditions));
  const withRatios = rows.map((row) => ({ ...row, ratio: row.product / row.reference }));
  const json = { ...conditions, rows: withRatios };
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(json, null, 2)}\n`);
}

function format(value: number, unit: string): string {
  if (Number.isNaN(value)) return 'not available';
  const digits = unit === 'rows' ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0;
  const text = value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${text} ${unit}`.trim();
}
