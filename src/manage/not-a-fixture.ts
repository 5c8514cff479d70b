/** Names a file that is not a fixture, and the command that makes one. No I/O. */
import { CommandError } from './command-error.ts';
import type { UserModel } from './user-model.ts';

/** Writes UTF-8 on every system: `>` takes the encoding of the shell, and what a `print` writes. */
const dumpdata = ({ label }: UserModel): string =>
  `\`python -Xutf8 manage.py dumpdata ${label} authtoken.token -o users.json\``;

/** The hint for a file that is not a fixture. */
export const expected = (model: UserModel): string =>
  `expected [{"model": "${model.label}", "pk": 1, "fields": {…}}, …], as ${dumpdata(model)} writes it`;

/** The way out for a file that cannot be read as it is. */
export const makeFixture = (model: UserModel): string => `make a fixture with ${dumpdata(model)}`;

/** Names of texts by their start. The first that fits counts. */
const KINDS: [start: RegExp, kind: string][] = [
  [/^$/, 'an empty file'],
  [/^<(!doctype html|html)/i, 'an HTML page'],
  [/^<(\?xml|django-objects)/, 'XML, which `import` does not read'],
  [/^(---\s|- )/, 'YAML, which `import` does not read'],
  [/^```/, "JSON inside Markdown's fence"],
  [/^(\/\/|\/\*|#)/, 'JSON with comments'],
  [/^[^[{]*\n\s*[[{]|^\[\w.*\n\s*[[{]/, 'text before the JSON, such as the output of a print()'],
  [/^(--|(begin|pragma|create|insert|set)\b)/i, 'an SQL dump'],
  [/^"?\w+"?([,;]"?\w+"?)+\s*\n/, 'CSV'],
];

/** The start of an array of records, or of records one after another. */
const FIXTURE = /^(\[\s*)?\{/;

/**
 * @param head the start of the file's text, after white space
 * @returns undefined if it starts as a fixture does
 */
export function notAFixture(head: string, model: UserModel): CommandError | undefined {
  if (FIXTURE.test(head)) return undefined;
  const kind = KINDS.find(([start]) => start.test(head))?.[1];
  return new CommandError(
    `${kind ?? 'not a JSON array of records, nor JSON Lines, nor an SQLite file'}; ${expected(model)}`,
  );
}
