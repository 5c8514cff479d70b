/**
 * The parts that only `npm start` has: the rows of the user next to the exchanges of the lesson, and the inbox.
 * On a desktop and on a phone, in light and dark.
 */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, inject, it } from 'vitest';
import { CHROMIUM, look, smallTargets, VIEWPORTS, withPage } from './browser.ts';
import { NEXT_MINUTE } from './mail.ts';

const PASSWORD = 'forgotten words';
const NEW_PASSWORD = 'remembered words';

const origin = inject('origin');
const { host } = new URL(origin);

/** A step of the lesson, or a task of the page for links, under this heading. */
function formOf(page: Page, heading: string) {
  const section = page.getByRole('region', { name: heading, includeHidden: true });
  return {
    section,
    async send(fields: Record<string, string> = {}) {
      for (const [label, value] of Object.entries(fields)) {
        await section.getByLabel(label).fill(value);
      }
      await section.locator('[type=submit]').click();
      await section.locator('form[aria-busy=false]').waitFor({ state: 'attached' });
    },
  };
}

/** A table as it is shown: the words in its caption, its values, and the columns that are marked. */
async function tableOf(page: Page, name: string) {
  const table = page.getByRole('table', { name });
  const lines = await table.getByRole('row').evaluateAll((rows) =>
    rows.map((row) => ({
      column: row.querySelector('th')?.textContent ?? '',
      value: row.querySelector('td')?.textContent ?? '',
      isMarked: row.querySelector('mark') !== null,
    })),
  );
  return {
    caption: await table.locator('caption').textContent(),
    row: Object.fromEntries(lines.map(({ column, value }) => [column, value])),
    marked: lines.filter(({ isMarked }) => isMarked).map(({ column }) => column),
  };
}

/** Waits for what has happened in the tables. It is announced, too. */
async function outcome(page: Page, words: string) {
  await expect.poll(() => page.locator('#rows-outcome').textContent()).toBe(words);
  return { user: await tableOf(page, 'auth_user'), token: await tableOf(page, 'authtoken_token') };
}

const COLUMNS = [
  'id',
  'password',
  'last_login',
  'is_superuser',
  'username',
  'last_name',
  'email',
  'is_staff',
  'is_active',
  'date_joined',
  'first_name',
];

describe.skipIf(!CHROMIUM).each(Object.entries(VIEWPORTS))('on a %s', (device, options) => {
  it('the lesson shows what happens to the rows of the user', async () => {
    const complaints = await withPage(options, [host], async (page) => {
      const username = `meg-rows-${device}-${Date.now()}`;
      const key = () => page.evaluate(() => localStorage.getItem('token'));
      const isBeside = (step: string) => page.locator(`#${step} .exchange #rows`).isVisible();
      await page.goto(origin);
      const rows = page.locator('#rows');
      expect(await rows.isVisible()).toBe(false);

      const register = formOf(page, 'Register');
      // The API ignores the space.
      await register.send({ Username: `${username} ` });
      // No row of the user is known.
      expect(await rows.isVisible()).toBe(false);

      await register.send({ Password: PASSWORD });
      const registered = await outcome(page, 'auth_user: new row. authtoken_token: new row.');
      expect(Object.keys(registered.user.row)).toEqual(COLUMNS);
      expect(registered.user.row).toMatchObject({
        password: expect.stringMatching(/^pbkdf2_sha256\$600000\$[^$]{6}…\$[^$]{6}…$/),
        last_login: 'NULL',
        is_superuser: '0',
        username,
        email: "''",
        is_active: '1',
      });
      expect(registered.token.row).toMatchObject({
        key: `${(await key())?.slice(0, 6)}…`,
        user_id: registered.user.row.id,
      });
      expect(registered.token.caption).toBe('authtoken_token new row');
      expect(await isBeside('register')).toBe(true);
      // The sentence about the database and the first table are in the window.
      for (const part of ['[data-part=meaning]', 'caption']) {
        const box = await page.locator(`#register ${part}`).first().boundingBox();
        expect(box?.y).toBeGreaterThan(0);
        expect(box?.y).toBeLessThan(options.viewport.height);
      }
      await look(page, `rows-${device}-1-registered`);
      expect(await smallTargets(page)).toEqual([]);

      await register.send({ Password: PASSWORD });
      const unchanged = await outcome(page, 'auth_user: no change. authtoken_token: no change.');
      expect(unchanged.user.row).toEqual(registered.user.row);
      expect(unchanged.user.marked).toEqual([]);

      await formOf(page, 'Change password').send({
        'Current password': PASSWORD,
        'New password': NEW_PASSWORD,
      });
      const changed = await outcome(
        page,
        'auth_user: password changed. authtoken_token: key, created changed.',
      );
      expect(changed.user.marked).toEqual(['password']);
      expect(changed.token.marked).toEqual(['key', 'created']);
      expect(changed.token.row.key).toBe(`${(await key())?.slice(0, 6)}…`);
      expect(await isBeside('password')).toBe(true);
      await look(page, `rows-${device}-2-password-changed`);

      // The rows are those of the stored token.
      await page.reload();
      await rows.waitFor();
      expect(await isBeside('me')).toBe(true);
      expect(await tableOf(page, 'auth_user')).toEqual({
        ...changed.user,
        caption: 'auth_user ',
        marked: [],
      });

      const logout = formOf(page, 'Log out');
      await logout.section.getByRole('button', { name: 'Forget the token' }).click();
      await outcome(page, 'auth_user: no change. authtoken_token: no change.');

      await formOf(page, 'Log in').send({ Username: username, Password: NEW_PASSWORD });
      // DRF's login returns the token and writes nothing.
      await page.locator('#login .exchange #rows').waitFor();
      await outcome(page, 'auth_user: no change. authtoken_token: no change.');
      await logout.send();
      const loggedOut = await outcome(page, 'auth_user: no change. authtoken_token: row deleted.');
      expect(loggedOut.token.row).toEqual({});
      await look(page, `rows-${device}-3-logged-out`);
    });
    expect(complaints).toEqual([]);
  });

  it('the inbox leads from a forgotten password to a new one', async () => {
    const complaints = await withPage(options, [host], async (page) => {
      const email = `meg-inbox-${device}-${Date.now()}@example.com`;
      await page.goto(origin);
      await formOf(page, 'Register').send({ Username: email, Password: PASSWORD, Email: email });
      await page.getByRole('link', { name: 'Forgot password?' }).click();
      const forgot = formOf(page, 'Forgot your password?');
      const send = async () => {
        await forgot.send({ Email: email });
        return forgot.section.getByRole('status').isVisible();
      };
      await expect.poll(send, NEXT_MINUTE).toBe(true);
      await look(page, `inbox-${device}-1-sent`);
      await forgot.section.getByRole('link', { name: 'Open the inbox' }).click();
      expect(page.url()).toBe(`${origin}/inbox`);

      // It comes without a reload.
      const message = page.getByRole('article').filter({ hasText: `To ${email} at ` });
      await message.waitFor();
      expect(await message.getByRole('heading').textContent()).toBe(`Password reset on ${host}`);
      expect(await page.getByRole('status').textContent()).toMatch(/^\d+ messages?/);
      await look(page, `inbox-${device}-2-message`);
      expect(await smallTargets(page)).toEqual([]);
      const link = message.getByRole('link');
      const address = await link.textContent();
      expect(readFileSync(inject('log'), 'utf8')).toContain(
        `Inbox: “Password reset on ${host}”, to ${email}\n  ${address}`,
      );

      await link.focus();
      const sendAgain = async () => {
        const init = {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ email }),
        };
        return (await fetch(`${origin}/users/reset_password`, init)).status;
      };
      await expect.poll(sendAgain, NEXT_MINUTE).toBe(204);
      // The next message does not take the focus from the link.
      await message.nth(1).waitFor();
      expect(await message.count()).toBe(2);
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(address);

      await page.keyboard.press('Enter');
      const reset = formOf(page, 'Enter new password');
      await reset.send({ 'New password': NEW_PASSWORD, 'Confirm password': NEW_PASSWORD });
      await reset.section.getByRole('link', { name: 'Log in' }).click();
      await formOf(page, 'Log in').send({ Username: email, Password: NEW_PASSWORD });
      await page.locator('#login .exchange #rows').waitFor();
      expect((await tableOf(page, 'auth_user')).row).toMatchObject({ username: email, email });
      expect((await tableOf(page, 'authtoken_token')).row.key).toMatch(/^[0-9a-f]{6}…$/);
    });
    expect(complaints).toEqual([]);
  });
});

describe.skipIf(!CHROMIUM)('the inbox', () => {
  it('is absent from the Worker that is deployed', async () => {
    // This server is `wrangler dev` with the entry of wrangler.toml.
    const deployed = inject('verifyingOrigin');
    for (const path of ['/inbox', '/local/messages', '/local/rows']) {
      expect((await fetch(`${deployed}${path}`)).status).toBe(404);
    }
    for (const path of ['/', '/account']) {
      expect(await (await fetch(`${deployed}${path}`)).text()).not.toMatch(/inbox/i);
    }
  });
});
