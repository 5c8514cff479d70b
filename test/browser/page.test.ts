/** The walk through the page, on a desktop and on a phone. Each state is looked at in light and dark. */
import { execFileSync } from 'node:child_process';
import type { Page } from 'playwright-core';
import { describe, expect, inject, it } from 'vitest';
import { CHROMIUM, look, smallTargets, VIEWPORTS, violations, withPage } from './browser.ts';

/** Characters that a shell would interpret. */
const PASSWORD = `it's "5" \\ $HOME \`x\` ünï`;
const NEW_PASSWORD = 'correct horse battery';

const origin = inject('origin');
const { host } = new URL(origin);

/** The part of the page that belongs to one route. */
function stepOf(page: Page, path: string) {
  const step = page.locator('section').filter({ has: page.locator(`form[action="${path}"]`) });
  const part = (name: string) => step.locator(`[data-part=${name}]`);
  return {
    step,
    button: step.locator('[type=submit]'),
    request: part('request'),
    answer: part('response'),
    meaning: part('meaning'),
    alert: step.getByRole('alert'),
    field: (label: string) => step.getByLabel(label),
    /** Fills the fields by their labels, sends them by the Enter key, and waits for the status. */
    async send(fields: Record<string, string>, status: number) {
      for (const [label, value] of Object.entries(fields)) await step.getByLabel(label).fill(value);
      const last = Object.keys(fields).at(-1);
      await (last ? step.getByLabel(last) : step.locator('[type=submit]')).press('Enter');
      await part('response').getByText(`${status} `).waitFor();
      await expect.poll(() => step.locator('form').getAttribute('aria-busy')).toBe('false');
    },
    /** Copies the command and has a shell run it. @returns what it printed */
    async curl() {
      await step.getByRole('button', { name: 'Copy as curl' }).click();
      await part('copied').getByText('Copied').waitFor();
      const command = await page.evaluate(() => navigator.clipboard.readText());
      return execFileSync('sh', ['-c', `${command} --silent --show-error`], { encoding: 'utf8' });
    },
  };
}

describe.skipIf(!CHROMIUM).each(Object.entries(VIEWPORTS))('on a %s', (device, options) => {
  it('the page walks through the lesson', async () => {
    const complaints = await withPage(options ?? {}, [host], async (page) => {
      const username = `meg-${device}-${Date.now()}@ducharme.com`;
      const token = () => page.evaluate(() => localStorage.getItem('token'));
      let looks = 0;
      const lookAt = (state: string) => {
        looks += 1;
        return look(page, `${device}-${String(looks).padStart(2, '0')}-${state}`);
      };

      await page.goto(origin);
      const register = stepOf(page, '/register');
      const login = stepOf(page, '/login');
      const me = stepOf(page, '/me');
      const password = stepOf(page, '/password');
      const logout = stepOf(page, '/logout');
      await lookAt('at-first');
      expect(await smallTargets(page)).toEqual([]);
      const tokenIsVisible = () =>
        page.locator('#token').evaluate((output) => {
          const { top, bottom } = output.getBoundingClientRect();
          return top >= 0 && bottom <= innerHeight;
        });

      // The request of the button, as it is typed.
      expect(await register.request.textContent()).toBe(
        'POST /register\nContent-Type: application/json\n\n{\n  "username": "…",\n  "password": "••••••••"\n}',
      );
      expect(await me.request.textContent()).toBe('GET /me');
      await login.field('Username').fill('meg');
      expect(await login.request.textContent()).toContain('"username": "meg"');
      await login.field('Username').fill('');

      // Nothing filled in: each sentence at its field, which has the focus and is described by it.
      await register.send({ Username: '' }, 400);
      const missing = register.field('Username');
      expect(await missing.getAttribute('aria-invalid')).toBe('true');
      expect(await missing.evaluate((input) => input === document.activeElement)).toBe(true);
      const errorId = await missing.getAttribute('aria-describedby');
      expect(await page.locator(`#${errorId}`).textContent()).toBe('This field is required.');
      await lookAt('required');

      await me.send({}, 401);
      expect(await me.alert.textContent()).toBe('Authentication credentials were not provided.');
      await lookAt('nobody');

      const registration = {
        'First name': 'Meg',
        'Last name': 'Ducharme',
        Username: username,
        Password: PASSWORD,
      };
      await register.send(registration, 201);
      expect(await missing.getAttribute('aria-invalid')).toBeNull();
      expect(await register.request.textContent()).toBe(
        `POST /register\nContent-Type: application/json\n\n${JSON.stringify(
          { username, password: '••••••••', first_name: 'Meg', last_name: 'Ducharme' },
          null,
          2,
        )}`,
      );
      const first = await token();
      expect(first).toMatch(/^[0-9a-f]{40}$/);
      expect(await register.answer.textContent()).toMatch(
        new RegExp(
          `^201 Created · \\d+ ms\ncache-control: no-store\ncontent-type: application/json\n\n{\n {2}"token": "${first}"\n}$`,
        ),
      );
      expect(await register.meaning.textContent()).toContain('auth_user');
      expect(await page.locator('#token').textContent()).toBe(first);
      await lookAt('registered');
      expect(await smallTargets(page)).toEqual([]);
      // The preview of the next request has the token already.
      expect(await password.request.textContent()).toContain(`Authorization: Token ${first}`);
      const knownUsername = page.locator('[autocomplete=username][hidden]');
      expect(await knownUsername.inputValue()).toBe(username);
      await logout.button.scrollIntoViewIfNeeded();
      expect(await tokenIsVisible()).toBe(true);

      // The same again: DRF's sentence at the field.
      await register.send({ Password: PASSWORD }, 400);
      const taken = 'A user with that username already exists.';
      expect(await page.locator(`#${errorId}`).textContent()).toBe(taken);
      expect(await register.meaning.textContent()).toBe('Neither row was written.');
      await lookAt('taken');

      await me.send({}, 200);
      expect(await me.request.textContent()).toBe(`GET /me\nAuthorization: Token ${first}`);
      expect(await me.answer.textContent()).toContain(`"username": "${username}"`);
      expect(JSON.parse(await me.curl())).toMatchObject({ username, first_name: 'Meg' });
      await lookAt('who-am-i');

      // As the lesson's client logs out: the row stays.
      await logout.step.getByRole('button', { name: 'Forget the token' }).click();
      expect(await token()).toBeNull();
      await lookAt('forgotten');
      expect(await tokenIsVisible()).toBe(true);
      expect(await logout.request.textContent()).toBe("localStorage.removeItem('token')");

      await login.send({ Username: username, Password: 'wrong' }, 401);
      expect(await login.alert.textContent()).toBe('Unable to log in with provided credentials.');
      expect(await token()).toBeNull();
      await lookAt('wrong-password');

      await login.field('Password').fill(PASSWORD);
      await login.step.getByRole('button', { name: 'Show password' }).click();
      expect(await login.field('Password').getAttribute('type')).toBe('text');
      await login.send({ Username: username }, 200);
      expect(await login.field('Password').getAttribute('type')).toBe('password');
      expect(await token()).toBe(first);
      expect(await login.field('Password').inputValue()).toBe('');
      expect(await login.alert.textContent()).toBe('');
      expect(JSON.parse(await login.curl())).toEqual({ valid: true, token: first });
      await lookAt('logged-in');

      await password.send({ 'Current password': 'wrong', 'New password': NEW_PASSWORD }, 400);
      expect(await password.step.locator('#password-current_password-error').textContent()).toBe(
        'Invalid password.',
      );
      await lookAt('current-password-wrong');

      await password.send({ 'Current password': PASSWORD, 'New password': NEW_PASSWORD }, 200);
      const second = await token();
      expect(second).toMatch(/^[0-9a-f]{40}$/);
      expect(second).not.toBe(first);
      await lookAt('password-changed');
      expect(await tokenIsVisible()).toBe(true);
      // The command of before carries the token of before.
      expect(JSON.parse(await me.curl())).toEqual({ detail: 'Invalid token.' });
      await me.send({}, 200);

      await logout.send({}, 204);
      expect(await token()).toBeNull();
      await login.send({ Username: username, Password: NEW_PASSWORD }, 200);
      expect(await token()).not.toBe(second);
      await lookAt('logged-out-and-in');

      expect(await page.content()).not.toContain('horse');
    });
    expect(complaints).toEqual([]);
  });
});

describe.skipIf(!CHROMIUM)('the page', () => {
  it('shows the command if it cannot be copied', async () => {
    const complaints = await withPage({}, [host], async (page) => {
      await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', {}));
      await page.goto(origin);
      const me = stepOf(page, '/me');
      await me.send({}, 401);
      await me.step.getByRole('button', { name: 'Copy as curl' }).click();
      await me.step.getByLabel('The curl command').waitFor();
      const selected = () => String(getSelection());
      expect(await page.evaluate(selected)).toBe(`curl -X GET '${origin}/me'`);
      expect(await violations(page)).toEqual([]);
    });
    expect(complaints).toEqual([]);
  });

  it('shows an error if there is no response', async () => {
    await withPage({}, [host], async (page) => {
      await page.goto(origin);
      await page.route('**/me', (route) => route.abort());
      const me = stepOf(page, '/me');
      await me.button.press('Enter');
      await me.alert.getByText('No response. Is the server running?').waitFor();
      expect(await me.step.locator('form').getAttribute('aria-busy')).toBe('false');
    });
  });

  it('refuses a script that is not its own', async () => {
    const complaints = await withPage({}, [host], async (page) => {
      await page.route(origin, async (route) => {
        const response = await route.fetch();
        const body = `${await response.text()}<script>document.title = 'broken'</script>`;
        await route.fulfill({ response, body });
      });
      await page.goto(origin);
      expect(await page.title()).toBe('Token authentication, step by step');
    });
    expect(complaints).toContain('refused by script-src-elem: inline');
  });
});
