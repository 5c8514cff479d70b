/**
 * Times a learner's path in a fresh clone of the last commit: `npm ci && npm start`, then the page tells the
 * rest, until the new row is in both tables. `npm run learner`; it needs a package registry and Chromium.
 *
 * The time has three parts: the machine's, typing, and reading each word that the page shows on the way.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';

/** From the clone to “I saw the row in both tables”. */
const LIMIT_SECONDS = 180;

/** Slow, for a reader whose first language is another. Adults read 238 (Brysbaert, 2019). */
const WORDS_PER_MINUTE = 120;

/** Two characters in a second. */
const KEY_PAUSE_MS = 500;

const START_LIMIT_MS = 120_000;

const { PORT: port = '8000', CHROMIUM: executablePath = '/usr/bin/chromium' } = process.env;
if (!existsSync(executablePath)) {
  console.log('skipped: there is no Chromium; CHROMIUM may name one');
  process.exit();
}
const folder = mkdtempSync(join(tmpdir(), 'edge-authtoken-learner-'));
const clone = join(folder, 'clone');
const env = { ...process.env, CI: 'true', WRANGLER_REGISTRY_PATH: join(folder, 'registry') };

const steps: [name: string, seconds: number][] = [];

async function timed<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  steps.push([name, (performance.now() - start) / 1000]);
  return result;
}

let stop = () => {};
try {
  await timed('git clone', () =>
    execFileSync('git', ['clone', '--quiet', process.cwd(), clone], { stdio: 'inherit' }),
  );
  await timed('npm ci', () => execFileSync('npm', ['ci', '--silent'], { cwd: clone, env }));
  const url = await timed('npm start', startServer);
  const browser = await chromium.launch({ executablePath, chromiumSandbox: false });
  try {
    const page = await browser.newPage();
    await timed('the page', () => page.goto(url));
    await timed('typing and both rows', () => register(page));
    const words = await wordsOf(page, 'header, aside, #register');
    steps.push([`reading ${words} words (not waited for)`, (words / WORDS_PER_MINUTE) * 60]);
  } finally {
    await browser.close();
  }
} finally {
  stop();
  rmSync(folder, { recursive: true, maxRetries: 3 });
}

for (const [name, seconds] of steps) console.log(`${seconds.toFixed(1).padStart(7)} s  ${name}`);
const total = steps.reduce((sum, [, seconds]) => sum + seconds, 0);
console.log(`${total.toFixed(1).padStart(7)} s  of ${LIMIT_SECONDS} s`);
if (total > LIMIT_SECONDS) process.exitCode = 1;

/** @returns the address that the terminal shows */
function startServer(): Promise<string> {
  // A separate process group, so that npm, wrangler and workerd end together.
  const options = { cwd: clone, env, detached: true };
  const child = spawn('npm', ['start', '--', '--port', port, '--inspector-port', '0'], options);
  stop = () => {
    if (child.pid !== undefined) process.kill(-child.pid);
  };
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('the server does not start')), START_LIMIT_MS);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const url = /Ready on (http:\/\/\S+)/.exec(output)?.[1];
      if (!url) return;
      clearTimeout(late);
      resolve(url);
    });
    child.once('exit', () => reject(new Error(`the server ended: ${output}`)));
  });
}

/** Types into the first form, presses its button, and waits for the row in both tables. */
async function register(page: Page): Promise<void> {
  for (const [label, text] of [
    ['Username', 'meg'],
    ['Password', 'ducharme'],
  ] as const) {
    await page.getByLabel(label).first().pressSequentially(text, { delay: KEY_PAUSE_MS });
  }
  await page.getByRole('button', { name: 'Register' }).click();
  const cell = (table: string, value: string) =>
    page.getByRole('table', { name: table }).getByRole('cell', { name: value, exact: true });
  await cell('auth_user new row', 'meg').waitFor();
  await cell('authtoken_token new row', '1').waitFor();
}

/** The words that are visible in these parts of the page. */
async function wordsOf(page: Page, parts: string): Promise<number> {
  const texts = await page.locator(parts).allInnerTexts();
  return texts.join(' ').split(/\s+/).length;
}
