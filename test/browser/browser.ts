/** Chromium, and what it complains about. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Result } from 'axe-core';
import { type BrowserContextOptions, chromium, devices, type Page } from 'playwright-core';

declare global {
  /** In the page, by an init script. */
  var axe: typeof import('axe-core');
}

/** Debian's, unless named. Undefined where there is none. */
export const CHROMIUM = [process.env.CHROMIUM ?? '/usr/bin/chromium'].find((path) =>
  existsSync(path),
);

export const VIEWPORTS = {
  desktop: { viewport: { width: 1280, height: 900 } },
  phone: devices['Pixel 7'],
} satisfies Record<string, BrowserContextOptions | undefined>;

/** Nothing on the page takes longer, on a busy machine either. */
const ACTION_LIMIT_MS = 15_000;

const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What the browser itself says of every answer of 400 and above that a script got. */
const FAILED_STATUS = /^Failed to load resource: the server responded with a status of (4\d\d) /;

/**
 * Opens a page, uses it, and closes the browser, whatever happens.
 *
 * @param allowed the hosts that may be asked, with their ports
 * @returns errors and warnings of the console, and requests to other hosts
 */
export async function withPage(
  options: BrowserContextOptions,
  allowed: string[],
  use: (page: Page) => Promise<void>,
): Promise<string[]> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM ?? '',
    chromiumSandbox: false,
    args: FLAGS,
  });
  try {
    const context = await browser.newContext({
      ...options,
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    context.setDefaultTimeout(ACTION_LIMIT_MS);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('console', (message) => {
      const text = message.text();
      const isComplaint = message.type() === 'error' || message.type() === 'warning';
      if (isComplaint && !FAILED_STATUS.test(text)) complaints.push(text);
    });
    context.on('request', (request) => {
      const { protocol, host } = new URL(request.url());
      if (protocol !== 'data:' && !allowed.includes(host)) complaints.push(request.url());
    });
    // Before the page's own policy is there to refuse it.
    await page.addInitScript({ path: AXE });
    await page.addInitScript(() =>
      addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        console.error(`refused by ${violatedDirective}: ${blockedURI}`),
      ),
    );
    await use(page);
    return complaints;
  } finally {
    await browser.close();
  }
}

const IMPACTS: unknown[] = ['serious', 'critical'];

/** What axe-core finds to be seriously wrong with the page as it is. */
export async function seriousViolations(page: Page) {
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.filter(({ impact }) => IMPACTS.includes(impact)).map(summary);
}

const summary = ({ id, help, nodes }: Result) => ({
  id,
  help,
  where: nodes.map(({ target, failureSummary }) => `${target}: ${failureSummary}`),
});
