/**
 * What the operator sees. Answers go to standard output; questions, progress and errors don't, so
 * that `manage users > file` is a file of users.
 */
import { styleText } from 'node:util';
import * as clack from '@clack/prompts';
import { CommandError } from './command-error.ts';

/** In place of a file's name: standard input, or standard output. */
export const STDIO = '-';

/** What a message calls an input. */
export const fileName = (path: string): string => (path === STDIO ? 'standard input' : path);

export const print = (line: string): void => {
  process.stdout.write(`${harmless(line)}\n`);
};

/** What is worth knowing and not the answer. */
export const note = (line: string): void => {
  process.stderr.write(`${harmless(line)}\n`);
};

/** An imported name may hold anything: its control characters would be orders to the terminal. */
const harmless = (line: string): string => line.replace(/(?!\t)\p{Cc}/gu, '\uFFFD');

export const warn = (line: string): void => {
  process.stderr.write(`${styleText('yellow', harmless(line), { stream: process.stderr })}\n`);
};

/** 1234567 → `1,234,567`. */
export const number = (value: number): string => value.toLocaleString('en-US');

/** 1 → `1 user`, 2 → `2 users`. */
export const count = (value: number, noun: string): string =>
  `${number(value)} ${noun}${value === 1 ? '' : 's'}`;

export const isInteractive = (): boolean =>
  Boolean(process.stdin.isTTY) && Boolean(process.stderr.isTTY);

const output = process.stderr;

export async function ask(message: string, defaultValue = ''): Promise<string> {
  return answered(await clack.text({ message, defaultValue, output })) ?? defaultValue;
}

/** Reads a password without an echo, not even of its length. */
export async function askPassword(message: string): Promise<string> {
  return answered(await clack.password({ message, mask: '', output })) ?? '';
}

export async function confirm(message: string): Promise<boolean> {
  return answered(await clack.confirm({ message, initialValue: false, output }));
}

/** Ctrl-C, in Django's words. */
function answered<T>(answer: T | typeof clack.CANCEL_SYMBOL): T {
  if (answer === clack.CANCEL_SYMBOL) throw new CommandError('Operation cancelled.');
  return answer;
}

/** How far something is; it is over where its scope ends, however that comes. */
export type Progress = { reach: (done: number) => void } & Disposable;

/** Of all steps, one line in so many where there is no terminal to draw a bar on. */
const LINES = 10;

/** Steps of a bar: more would only be drawn again. */
const BAR_STEPS = 200;

/** A bar on a terminal, a line every tenth of the way elsewhere. */
export function startProgress(label: string, total: number): Progress {
  return process.stderr.isTTY ? bar(label, total) : lines(label, total);
}

function bar(label: string, total: number): Progress {
  const shown = clack.progress({ max: BAR_STEPS, output });
  // clack takes Ctrl-C for a success: it exits with 0.
  const onInterrupt = () => {
    note('CommandError: Operation cancelled.');
    process.exitCode = 1;
  };
  shown.start(label);
  process.once('exit', onInterrupt);
  let step = 0;
  return {
    reach(done) {
      const next = total > 0 ? Math.floor((done / total) * BAR_STEPS) : BAR_STEPS;
      if (next > step) shown.advance(next - step, `${label} ${percent(done, total)}`);
      step = Math.max(step, next);
    },
    [Symbol.dispose]() {
      process.off('exit', onInterrupt);
      shown.stop(label);
    },
  };
}

function lines(label: string, total: number): Progress {
  let line = 0;
  return {
    reach(done) {
      const next = total > 0 ? Math.floor((done / total) * LINES) : LINES;
      if (next > line) note(`${label} ${percent(done, total)}`);
      line = Math.max(line, next);
    },
    [Symbol.dispose]() {},
  };
}

const percent = (done: number, total: number): string =>
  `${total > 0 ? Math.floor((done / total) * 100) : 100}%`;
