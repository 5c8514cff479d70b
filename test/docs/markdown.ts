/** Reads the Markdown pages of the project. */
import { readdirSync, readFileSync } from 'node:fs';

/** The pages, by path. */
export const PAGES: Record<string, string> = Object.fromEntries(
  [
    'README.md',
    'SECURITY.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    ...readdirSync('docs').map((name) => `docs/${name}`),
  ].map((path) => [path, readFileSync(path, 'utf8')]),
);

export function pageAt(path: string): string {
  const page = PAGES[path];
  if (page === undefined) throw new Error(`There is no page ${path}`);
  return page;
}

type Block = { language: string; code: string };

/** The fenced code blocks of a page, without the indentation of a surrounding list. */
export const blocksOf = (page: string): Block[] =>
  [...page.matchAll(/^( *)```(\w+)\n(.*?)^ *```$/gms)].map(
    ([, indent = '', language = '', code = '']) => ({
      language,
      code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  );

/** The page without its fenced code blocks. */
export const proseOf = (page: string): string => page.replaceAll(/^ *```.*?^ *```$/gms, '');

/** The inline code of a page. */
export const codeOf = (page: string): string[] =>
  [...proseOf(page).matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

/** Command lines: each line of the shell blocks, continued lines joined, and inline code. */
export const commandsOf = (page: string): string[] => [
  ...blocksOf(page)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.replaceAll(/\\\n\s*/g, '').split('\n'))
    .filter((line) => line !== '' && !line.startsWith('#')),
  ...codeOf(page),
];

/** The rows of the table whose first heading is `heading`, as cells. */
export function tableOf(page: string, heading: string): string[][] {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => cellsOf(line)[0] === heading);
  if (start < 0) throw new Error(`There is no table with the heading ${heading}`);
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'));
  return lines.slice(start + 2, end < 0 ? undefined : end).map(cellsOf);
}

const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** The ids that GitHub gives the headings of a page. */
export const anchorsOf = (page: string): string[] =>
  [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  );

/** Removes the marks of inline code. */
export const plain = (cell: string): string => cell.replaceAll('`', '');
