/**
 * The staff page: each act by staff and by a superuser, and a user who is not staff, on a desktop and on a
 * phone. Each view is looked at in light and dark.
 */
import type { Page } from 'playwright-core';
import { describe, expect, inject, it } from 'vitest';
import { execute } from '../helpers/server.ts';
import { CHROMIUM, look, smallTargets, VIEWPORTS, withPage } from './browser.ts';
import { linkIn, mailsTo, NEXT_MINUTE } from './mail.ts';

const PASSWORD = 'a password of the tests';
const NOT_STAFF =
  'Please enter the correct username and password for a staff account. Note that both fields may be case-sensitive.';

/** The effect of a script in a name. */
const SCRIPT = '<img src=x onerror="document.title=1"><script>document.title=1</script>';

const origin = inject('origin');
const hosts = [new URL(origin).host];

/** A fresh prefix of usernames for each test. */
let tests = 0;
const newMark = () => `t${Date.now()}${tests++}`;

async function register(fields: Record<string, string>): Promise<string> {
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify({ password: PASSWORD, ...fields });
  const response = await fetch(`${origin}/register`, { method: 'POST', headers, body });
  expect(response.status).toBe(201);
  const { token }: { token: string } = await response.json();
  return token;
}

const sql = (text: string) => execute({ persistTo: inject('persistTo') }, text);

/** The status of a token at the API. */
const statusOf = async (token: string) =>
  (await fetch(`${origin}/me`, { headers: { Authorization: `Token ${token}` } })).status;

/** Registers staff, a superuser and users. */
async function enrol(mark: string) {
  const [staff, superuser, colleague, learner, other] = [
    `${mark}-staff`,
    `${mark}-superuser`,
    `${mark}-colleague`,
    `${mark}-learner`,
    `${mark}-other`,
  ];
  for (const username of [staff, superuser, colleague, other]) await register({ username });
  const email = `${learner}@example.com`;
  const token = await register({ username: learner, email, first_name: SCRIPT, last_name: 'L' });
  sql(
    `UPDATE auth_user SET is_staff = 1 WHERE username IN ('${staff}', '${superuser}', '${colleague}');
     UPDATE auth_user SET is_superuser = 1 WHERE username = '${superuser}';
     UPDATE auth_user SET username = username || '${SCRIPT}' WHERE username = '${other}'`,
  );
  return { staff, superuser, colleague, learner, other: other + SCRIPT, email, token };
}

const usersOf = (page: Page) => page.getByRole('list', { name: 'Users' });

/** The page in the words of its elements. */
function pageOf(page: Page) {
  const message = page.locator('#message');
  const wait = () => page.locator('[aria-busy=true]').waitFor({ state: 'detached' });
  const region = (name: string) => page.getByRole('region', { name, exact: true });
  return {
    message,
    region,
    wait,
    async logIn(username: string, password = PASSWORD) {
      await page.goto(`${origin}/admin`);
      await region('Log in').getByLabel('Username').fill(username);
      await region('Log in').getByLabel('Password', { exact: true }).fill(password);
      await region('Log in').getByRole('button', { name: 'Log in' }).click();
      await wait();
    },
    async search(text: string, by = 'username', filter = '') {
      if (new URL(page.url()).hash !== '#users') {
        // The page empties the form before its request.
        const listed = page.waitForResponse((response) =>
          response.url().includes('/admin/api/users?'),
        );
        await page.getByRole('link', { name: 'Users' }).click();
        await listed;
      }
      await page.getByLabel('Starts with').fill(text);
      await page.getByLabel('Search in').selectOption(by);
      await page.locator('#search-filter').selectOption(filter);
      await page.getByRole('button', { name: 'Show', exact: true }).click();
      await wait();
    },
    async open(username: string) {
      await this.search(username);
      await usersOf(page).getByRole('link', { name: username, exact: true }).click();
      await page.locator('#user').waitFor();
      await page.getByRole('heading', { name: username, exact: true }).waitFor();
    },
    async act(name: string, says: string) {
      await page.getByRole('button', { name, exact: true }).click();
      await expect.poll(() => message.textContent()).toBe(says);
    },
  };
}

describe.skipIf(!CHROMIUM).each(Object.entries(VIEWPORTS))('on a %s', (device, options) => {
  const name = (state: string) => `admin-${device}-${state}`;

  it('staff finds a user and does each act', async () => {
    const { staff, learner, other, colleague, email, token } = await enrol(newMark());
    const complaints = await withPage(options ?? {}, hosts, async (page) => {
      const staffPage = pageOf(page);
      const { message, region } = staffPage;
      await page.goto(`${origin}/admin`);
      await region('Log in').waitFor();
      await look(page, name('log-in'));
      expect(await smallTargets(page)).toEqual([]);
      await staffPage.logIn(staff, 'wrong');
      expect(await region('Log in').getByRole('alert').textContent()).toBe(NOT_STAFF);
      await staffPage.logIn(staff);
      await usersOf(page).waitFor();
      await look(page, name('users'));
      expect(await smallTargets(page)).toEqual([]);
      expect(await page.evaluate(() => localStorage.length + document.cookie.length)).toBe(0);

      await staffPage.search(`${learner}@EXAMPLE`, 'email');
      await usersOf(page).getByRole('link', { name: learner }).waitFor();
      await expect.poll(() => usersOf(page).getByRole('listitem').count()).toBe(1);
      await staffPage.search(learner, 'username', 'inactive');
      await expect.poll(() => message.textContent()).toBe('No users.');
      await look(page, name('no-users'));

      // A name is text.
      await staffPage.open(other);
      expect(await page.title()).toBe('Staff');

      await staffPage.open(learner);
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('user-title');
      await look(page, name('user'));
      expect(await smallTargets(page)).toEqual([]);
      expect(await page.locator('#facts').textContent()).toContain(SCRIPT);
      expect(await page.title()).toBe('Staff');
      expect(await region('Rights').isVisible()).toBe(false);
      await staffPage.act('Deactivate', 'The user is no longer active.');
      expect(await statusOf(token)).toBe(401);
      await look(page, name('deactivated'));
      await staffPage.act('Activate', 'The user is active.');
      expect(await statusOf(token)).toBe(200);
      const sendLink = async () => {
        await page.getByRole('button', { name: 'Send a reset link', exact: true }).click();
        await staffPage.wait();
        return message.textContent();
      };
      const sent = 'A link for a new password will be sent.';
      await expect.poll(sendLink, NEXT_MINUTE).toBe(sent);
      const [mail] = await mailsTo(email, 1);
      expect(linkIn(mail?.text ?? '').hash).toMatch(/^#reset\//);
      await staffPage.act('End sessions', 'The token is deleted. The user must log in again.');
      expect(await statusOf(token)).toBe(401);

      const edit = region('Names and address');
      await edit.getByLabel('First name').fill('Meg');
      await edit.getByRole('button', { name: 'Save' }).click();
      await expect.poll(() => message.textContent()).toBe('The user was changed.');
      expect(await page.locator('#facts').textContent()).toContain('Meg L');
      await edit.getByLabel('Email').fill(`new-${email}`);
      await edit.getByRole('button', { name: 'Save' }).click();
      await staffPage.wait();
      expect(await page.locator('#edit-current_password-error').textContent()).toBe(
        'This field is required.',
      );
      await look(page, name('unproven'));
      await page.locator('#edit-current_password').fill(PASSWORD);
      await edit.getByRole('button', { name: 'Save' }).click();
      await expect.poll(() => page.locator('#facts').textContent()).toContain(`new-${email}`);

      const remove = region('Delete');
      await remove.getByRole('button', { name: 'Yes, delete this user' }).click();
      expect(await page.locator('#delete-confirmation-error').textContent()).toBe(
        `Enter ${learner}, as above.`,
      );
      await look(page, name('unconfirmed'));
      await remove.getByLabel('The username, to confirm').fill(learner);
      await remove.getByLabel('Your password', { exact: true }).fill(PASSWORD);
      await remove.getByRole('button', { name: 'Yes, delete this user' }).click();
      await expect.poll(() => message.textContent()).toBe(`The user ${learner} was deleted.`);
      expect(page.url()).toBe(`${origin}/admin#users`);
      await look(page, name('deleted'));

      // Staff has no rights on staff.
      await staffPage.open(colleague);
      for (const button of await page.locator('#user button[type=submit], [data-act]').all()) {
        expect(await button.isVisible()).toBe(false);
      }
      await look(page, name('colleague'));
    });
    expect(complaints).toEqual([]);
  });

  it('a superuser changes rights, and cannot lock itself out', async () => {
    const { superuser, colleague, learner } = await enrol(newMark());
    const complaints = await withPage(options ?? {}, hosts, async (page) => {
      const staffPage = pageOf(page);
      const { message, region } = staffPage;
      await staffPage.logIn(superuser);
      await usersOf(page).waitFor();
      for (const username of [learner, colleague]) {
        await staffPage.open(username);
        const rights = region('Rights');
        await page.locator('#rights-rights').selectOption('superuser');
        await rights.getByLabel('Your password', { exact: true }).fill('wrong');
        await rights.getByRole('button', { name: 'Save rights' }).click();
        await staffPage.wait();
        expect(await page.locator('#rights-current_password-error').textContent()).toBe(
          'Invalid password.',
        );
        await rights.getByLabel('Your password', { exact: true }).fill(PASSWORD);
        await rights.getByRole('button', { name: 'Save rights' }).click();
        await expect.poll(() => message.textContent()).toBe('The rights were changed.');
        expect(await page.locator('#facts').textContent()).toContain('active, superuser');
      }
      await look(page, name('superuser'));
      await staffPage.act('Deactivate', 'The user is no longer active.');
      await staffPage.open(superuser);
      for (const part of [region('Rights'), region('Delete')]) {
        expect(await part.isVisible()).toBe(false);
      }
      expect(await page.getByRole('button', { name: 'Deactivate' }).isVisible()).toBe(false);
      await page.getByRole('link', { name: 'Checks' }).click();
      await page.locator('#findings li').first().waitFor();
      expect(await page.locator('#findings').textContent()).toContain('Migrations');
      await look(page, name('checks'));
      expect(await smallTargets(page)).toEqual([]);
      await page.goBack();
      await page.getByRole('heading', { name: superuser, exact: true }).waitFor();
      await page.getByRole('button', { name: 'Log out' }).click();
      await region('Log in').waitFor();
      expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
      expect(await page.locator('#facts').textContent()).toBe('');
    });
    expect(complaints).toEqual([]);
  });

  it('a user who is not staff gets a message, and a lost token leads to the login', async () => {
    const { staff, learner } = await enrol(newMark());
    const complaints = await withPage(options ?? {}, hosts, async (page) => {
      const staffPage = pageOf(page);
      const statuses: number[] = [];
      page.on('response', (response) => {
        if (response.url().includes('/admin/api')) statuses.push(response.status());
      });
      await staffPage.logIn(learner);
      await expect.poll(() => staffPage.message.textContent()).toBe(NOT_STAFF);
      expect(statuses).toEqual([403]);
      expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
      await look(page, name('not-staff'));

      await staffPage.logIn(staff);
      await usersOf(page).waitFor();
      sql(
        `DELETE FROM authtoken_token WHERE user_id = (SELECT id FROM auth_user WHERE username = '${staff}')`,
      );
      await page.getByRole('link', { name: 'Checks' }).click();
      await staffPage.region('Log in').waitFor();
      expect(statuses.at(-1)).toBe(401);
      expect(await staffPage.message.textContent()).toBe('Please log in again.');
      expect(await page.locator('#rows').textContent()).toBe('');
    });
    expect(complaints).toEqual([]);
  });

  it('the page forgets the token after ADMIN_SESSION_MINUTES, also after a reload', async () => {
    const { staff } = await enrol(newMark());
    const complaints = await withPage(options ?? {}, hosts, async (page) => {
      const staffPage = pageOf(page);
      await page.clock.install();
      await staffPage.logIn(staff);
      await usersOf(page).waitFor();
      await page.reload();
      await usersOf(page).waitFor();
      await page.clock.fastForward('29:00');
      expect(await usersOf(page).isVisible()).toBe(true);
      await page.clock.fastForward('01:01');
      await staffPage.region('Log in').waitFor();
      expect(await staffPage.message.textContent()).toBe('Please log in again.');
      expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    });
    expect(complaints).toEqual([]);
  });

  it('works by keyboard', async () => {
    const { staff, learner } = await enrol(newMark());
    const complaints = await withPage(options ?? {}, hosts, async (page) => {
      await page.goto(`${origin}/admin`);
      await page.keyboard.press('Tab');
      await page.keyboard.type(staff);
      await page.keyboard.press('Tab');
      await page.keyboard.type(PASSWORD);
      await page.keyboard.press('Enter');
      await usersOf(page).waitFor();
      await page.getByLabel('Starts with').focus();
      await page.keyboard.type(learner);
      await page.keyboard.press('Enter');
      await expect.poll(() => usersOf(page).getByRole('listitem').count()).toBe(1);
      await usersOf(page).getByRole('link').focus();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: learner, exact: true }).waitFor();
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Deactivate');
      await page.keyboard.press('Enter');
      await expect
        .poll(() => page.locator('#message').textContent())
        .toBe('The user is no longer active.');
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('message');
    });
    expect(complaints).toEqual([]);
  });
});
