/** Users that a report names: the first of them, and their number. No I/O. */
import { number } from '../lib/format-number.ts';

/** How many users of a kind a report names. It counts the others. */
export const NAMED = 20;

export type Found = { names: string[]; total: number };

export const nobody = (): Found => ({ names: [], total: 0 });

/** UTF-16 units that a report shows of a name: Django's usernames have at most 150 characters. */
const SHOWN_LENGTH = 200;

/** @param details follow the name */
export function add(found: Found, name: string, details = ''): void {
  found.total += 1;
  if (found.names.length >= NAMED) return;
  const shown = name.length > SHOWN_LENGTH ? `${name.slice(0, SHOWN_LENGTH)}…` : name;
  found.names.push(shown + details);
}

export const list = ({ names, total }: Found): string =>
  names.join(', ') + (total > NAMED ? ` and ${number(total - NAMED)} more` : '');
