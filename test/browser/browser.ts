/** Chromium, and what it complains about. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Result } from 'axe-core';
import { type BrowserContextOptions, chromium, devices, type Page } from 'playwright-core';
import { expect } from 'vitest';

declare global {
  /** In the page, by an init script. */
  var axe: typeof import('axe-core');
}

/** Debian's Chromium, or `CHROMIUM`. Undefined if it is not installed. */
export const CHROMIUM = [process.env.CHROMIUM ?? '/usr/bin/chromium'].find((path) =>
  existsSync(path),
);

export const VIEWPORTS = {
  desktop: { viewport: { width: 1280, height: 900 } },
  phone: { ...devices['Pixel 7'], viewport: { width: 390, height: 844 } },
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

/** The browser logs this for each response of 400 or more to a script. */
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
    // Before the page's own policy is there to refuse it.
    await context.addInitScript({ path: AXE });
    await context.addInitScript(() =>
      addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        console.error(`refused by ${violatedDirective}: ${blockedURI}`),
      ),
    );
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
    await use(page);
    return complaints;
  } finally {
    await browser.close();
  }
}

const SCREENSHOTS = 'test/browser/screenshots';

/**
 * Looks at the page as it is, in light and in dark: axe-core finds nothing wrong, and nothing is wider than
 * the window. Pictures are kept for people.
 *
 * @param without rules of axe-core that don't apply
 */
export async function look(page: Page, name: string, without: string[] = []) {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${SCREENSHOTS}/${name}-${colorScheme}.png`, fullPage: true });
    expect(await violations(page, without)).toEqual([]);
  }
  const widths = await page.evaluate(() => [document.body.scrollWidth, innerWidth]);
  expect(widths[0]).toBeLessThanOrEqual(Number(widths[1]));
}

/** For fingers: WCAG 2.2, 2.5.5. */
const TARGET_SIZE_PX = 44;

/** The visible controls and links that are smaller than a target for fingers. */
export async function smallTargets(page: Page) {
  const targets = page.locator('a, button, input, textarea, summary').filter({ visible: true });
  const boxes = await targets.evaluateAll((elements) =>
    elements.map((element) => {
      const { width, height } = element.getBoundingClientRect();
      return { target: element.outerHTML.slice(0, 80), width, height };
    }),
  );
  expect(boxes).not.toEqual([]);
  return boxes.filter(({ width, height }) => Math.min(width, height) < TARGET_SIZE_PX);
}

/** The violations that axe-core finds on the page. */
export async function violations(page: Page, without: string[] = []) {
  const rules = Object.fromEntries(without.map((id) => [id, { enabled: false }]));
  const { violations } = await page.evaluate((rules) => globalThis.axe.run({ rules }), rules);
  return violations.map(summary);
}

const summary = ({ id, help, nodes }: Result) => ({
  id,
  help,
  where: nodes.map(({ target, failureSummary }) => `${target}: ${failureSummary}`),
});
