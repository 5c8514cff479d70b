/**
 * The operator's terminal. Results go to standard output. Questions, progress and errors go to
 * standard error, so that `manage users > file` writes users only.
 */
import { styleText } from 'node:util';
import * as clack from '@clack/prompts';
import { CommandError } from './command-error.ts';

/** In place of a file's name: standard input, or standard output. */
export const STDIO = '-';

/** The name of an input in messages. */
export const fileName = (path: string): string => (path === STDIO ? 'standard input' : path);

export const print = (line: string): void => {
  process.stdout.write(`${printable(line)}\n`);
};

/** Information that is not the result: progress, warnings, errors. */
export const note = (line: string): void => {
  process.stderr.write(`${printable(line)}\n`);
};

export const warn = (line: string): void => {
  const text = printable(`WARNING: ${line}`);
  process.stderr.write(`${styleText('yellow', text, { stream: process.stderr })}\n`);
};

/** Whether a reader, such as `head`, has closed the pipe. It has what it wanted. */
export const isClosedPipe = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EPIPE';

/**
 * Goes on without output after a reader has closed its pipe, so that a command that writes finishes,
 * and its exit code is right.
 */
export function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (!isClosedPipe(error)) throw error;
    });
  }
}

/**
 * Characters that change what a terminal shows: control characters other than the tab, line and
 * paragraph separators, lone surrogates, and format and ignorable characters, which are invisible
 * or reorder the text around them (unicode.org/reports/tr9, tr36).
 */
const UNPRINTABLE = /(?!\t)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Text that is safe to write to a terminal, whatever a name in a file or database holds. What would
 * be invisible or act on the terminal is shown by its code point, as `\u{202e}`.
 */
const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);

export const isInteractive = (): boolean =>
  Boolean(process.stdin.isTTY) && Boolean(process.stderr.isTTY);

/** The streams as they are at the question: clack would take those of its first import. */
const streams = () => ({ input: process.stdin, output: process.stderr });

export async function ask(question: string, defaultValue = ''): Promise<string> {
  const message = printable(question);
  return answered(await clack.text({ message, defaultValue, ...streams() })) ?? defaultValue;
}

/** Reads a password without an echo, not even of its length. */
export async function askPassword(message: string): Promise<string> {
  return answered(await clack.password({ message, mask: '', ...streams() })) ?? '';
}

export async function confirm(question: string): Promise<boolean> {
  const message = printable(question);
  return answered(await clack.confirm({ message, initialValue: false, ...streams() }));
}

/** @throws CommandError after Ctrl-C, in Django's words */
function answered<T>(answer: T | typeof clack.CANCEL_SYMBOL): T {
  if (answer === clack.CANCEL_SYMBOL) throw new CommandError('Operation cancelled.');
  return answer;
}

/** Shows how far a piece of work is. It ends with its scope, also after an error. */
export type Progress = { reach: (done: number) => void } & Disposable;

/** Lines for a whole piece of work if standard error is not a terminal. */
const LINES = 10;

/** Steps for a whole piece of work on a terminal. */
const PERCENT = 100;

/** ECMA-48, "erase in line": what a longer line before has left. */
const ERASE_TO_END = '\x1b[K';

/**
 * One line that is written again and again on a terminal; elsewhere a line after each tenth. It
 * leaves the terminal's mode as it is: in raw mode Ctrl-C would be a key that nothing reads while
 * SQLite works.
 */
export function startProgress(label: string, total: number): Progress {
  const isTerminal = Boolean(process.stderr.isTTY);
  const steps = isTerminal ? PERCENT : LINES;
  let reached = 0;
  return {
    reach(done) {
      const step = total > 0 ? Math.floor((done / total) * steps) : steps;
      if (step <= reached) return;
      reached = step;
      const line = `${label} ${total > 0 ? Math.floor((done / total) * 100) : 100}%`;
      if (isTerminal) process.stderr.write(`\r${printable(line)}${ERASE_TO_END}`);
      else note(line);
    },
    [Symbol.dispose]() {
      if (isTerminal && reached > 0) process.stderr.write('\n');
    },
  };
}

/**
 * Runs work that does not yield to the event loop, such as node:sqlite's, so that Ctrl-C ends the
 * process. A handler of SIGINT, such as wrangler's, cannot run during such work. Without a handler the
 * system ends the process.
 */
export function endedByInterrupt<T>(work: () => T): T {
  const handlers = process.listeners('SIGINT');
  process.removeAllListeners('SIGINT');
  try {
    return work();
  } finally {
    for (const handler of handlers) process.on('SIGINT', handler);
  }
}
