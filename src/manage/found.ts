/** Users that a report names: some of them, and how many they are. No I/O. */
import { number } from './terminal.ts';

/** How many users of a kind a report names. It counts the others. */
export const NAMED = 20;

export type Found = { names: string[]; total: number };

export const nobody = (): Found => ({ names: [], total: 0 });

export function add(found: Found, name: string): void {
  found.total += 1;
  if (found.names.length < NAMED) found.names.push(name);
}

export const list = ({ names, total }: Found): string =>
  names.join(', ') + (total > NAMED ? ` and ${number(total - NAMED)} more` : '');
