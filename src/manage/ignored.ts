/** Counts of the models and tables that an import leaves out. No I/O. */
import { number } from '../lib/format-number.ts';

/** Records or rows by model or table. */
export type Ignored = Map<string, number>;

/** The rows of a table are counted up to here: the pages of a damaged one may go round in circles. */
export const MAX_COUNTED = 1_000_000;

/** Far more than a project has. A file can name any number of them. */
const MAX_NAMES = 500;

export function addIgnored(ignored: Ignored, model: string, records: number): void {
  const name = ignored.has(model) || ignored.size < MAX_NAMES ? model : 'others';
  ignored.set(name, (ignored.get(name) ?? 0) + records);
}

/** `rockapi.rock (1,234)`. */
export const ignoredLines = (ignored: Ignored): string[] =>
  [...ignored].map(
    ([model, records]) =>
      `${model} (${number(records)}${records >= MAX_COUNTED ? ' or more' : ''})`,
  );
