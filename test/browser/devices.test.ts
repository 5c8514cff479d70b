/** Two browsers of one user, each with its own token. One logs the other one out, and then all. */
import type { Page } from 'playwright-core';
import { describe, expect, inject, it } from 'vitest';
import { CHROMIUM, look, smallTargets, VIEWPORTS, withPage } from './browser.ts';

const origin = inject('knoxOrigin');
const { host } = new URL(origin);

async function post(path: string, body: object) {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(origin + path, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return (await response.json()).token;
}

const statusOf = async (token: string) =>
  (await fetch(`${origin}/me`, { headers: { Authorization: `Token ${token}` } })).status;

/** The step of the page with the tokens. */
function devicesOf(page: Page) {
  const step = page.locator('#tokens');
  return {
    button: step.getByRole('button', { name: 'List the tokens' }),
    everywhere: step.getByRole('button', { name: 'Log out everywhere' }),
    list: step.getByRole('list', { name: 'Tokens' }),
    lines: step.getByRole('listitem'),
    meaning: step.locator('[data-part=meaning]'),
    request: step.locator('[data-part=request]'),
    alert: step.getByRole('alert'),
  };
}

const focused = (page: Page) =>
  page.evaluate(
    () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent,
  );

describe.skipIf(!CHROMIUM).each(Object.entries(VIEWPORTS))('on a %s', (device, options) => {
  it('the page lists the tokens and deletes them', async () => {
    const complaints = await withPage(options ?? {}, [host], async (page) => {
      const username = `devices-${device}-${Date.now()}`;
      const credentials = { username, password: 'a password' };
      const [phone, tablet] = [
        await post('/register', credentials),
        await post('/login', credentials),
      ];

      await page.goto(origin);
      const devices = devicesOf(page);
      await devices.button.press('Enter');
      await devices.alert.getByText('Authentication credentials were not provided.').waitFor();
      expect(await devices.list.isVisible()).toBe(false);

      const login = page.locator('#login');
      await login.getByLabel('Username').fill(username);
      await login.getByLabel('Password', { exact: true }).fill('a password');
      await login.getByLabel('Password', { exact: true }).press('Enter');
      await login.getByText('a row in knox_authtoken was inserted').waitFor();
      const token = await page.evaluate(() => localStorage.getItem('token') ?? '');

      await devices.button.press('Enter');
      await devices.lines.nth(2).waitFor();
      expect(await devices.lines.count()).toBe(3);
      expect(await devices.lines.first().textContent()).toContain(', this browser');
      expect(await devices.lines.first().textContent()).toContain(token.slice(0, 15));
      expect(await devices.list.textContent()).not.toContain(token);
      await look(page, `devices-${device}-listed`);
      expect(await smallTargets(page)).toEqual([]);

      // By the keyboard. The focus goes to the next button, because the button is gone.
      await page.getByRole('button', { name: `Log out ${phone.slice(0, 15)}` }).press('Enter');
      await devices.meaning.getByText('Its token is not valid any more.').waitFor();
      await expect.poll(() => devices.lines.count()).toBe(2);
      expect(await devices.request.textContent()).toMatch(/^DELETE \/tokens\/[0-9a-f]{16}\n/);
      expect(await focused(page)).toBe(`Log out ${token.slice(0, 15)}`);
      expect([await statusOf(phone), await statusOf(tablet), await statusOf(token)]).toEqual([
        401, 200, 200,
      ]);

      // If it is refused, the list still has the token.
      await page.route('**/tokens/*', (route) =>
        route.fulfill({ status: 429, json: { detail: 'Later.' } }),
      );
      const last = page.getByRole('button', { name: `Log out ${tablet.slice(0, 15)}` });
      await last.press('Enter');
      await devices.alert.getByText('Later.').waitFor();
      expect(await devices.lines.count()).toBe(2);
      await page.unroute('**/tokens/*');

      await devices.everywhere.press('Enter');
      await devices.meaning.getByText('All rows of the user in knox_authtoken').waitFor();
      expect(await devices.list.isVisible()).toBe(false);
      expect(await page.evaluate(() => localStorage.getItem('token'))).toBeNull();
      expect([await statusOf(tablet), await statusOf(token)]).toEqual([401, 401]);
      await look(page, `devices-${device}-logged-out`);

      // The own token is deleted like the others, and this browser forgets it.
      await login.getByLabel('Password', { exact: true }).fill('a password');
      await login.getByLabel('Password', { exact: true }).press('Enter');
      await expect.poll(() => page.evaluate(() => localStorage.getItem('token'))).not.toBeNull();
      await devices.button.press('Enter');
      await devices.lines.getByRole('button').press('Enter');
      await expect.poll(() => page.evaluate(() => localStorage.getItem('token'))).toBeNull();
      expect(await devices.list.isVisible()).toBe(false);
    });
    expect(complaints).toEqual([]);
  });
});
