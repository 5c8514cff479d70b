/** The commands of docs/moving-from-django.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const PAGE = 'docs/moving-from-django.md';

/** The commands of a section's n-th block. */
export function linesOf(heading: string, block: number): string[] {
  const blocks = [...sectionOf(heading).matchAll(/^```sh\n(.*?)^```$/gms)].map(
    ([, lines = '']) => lines,
  );
  const lines = blocks[block]?.trim().split('\n');
  assert(lines, `${PAGE} has no block ${block} under "${heading}"`);
  return lines;
}

export function sectionOf(heading: string): string {
  const sections = readFileSync(PAGE, 'utf8').split(/^##+ /m);
  const section = sections.find((text) => text.startsWith(`${heading}\n`));
  assert(section, `${PAGE} has no section "${heading}"`);
  return section;
}
