/**
 * From a forgotten password, and from an address to verify, through the mail to a login: on a desktop and on
 * a phone. Each state of the page for links is looked at in light and dark.
 */
import type { Locator, Page } from 'playwright-core';
import { describe, expect, inject, it } from 'vitest';
import { CHROMIUM, look, smallTargets, VIEWPORTS, violations, withPage } from './browser.ts';
import { linkIn, mailsTo } from './mail.ts';

const PASSWORD = 'forgotten words';
const NEW_PASSWORD = 'remembered words';

const INVALID_USERNAME_LINK =
  'The link was invalid, possibly because it has already been used. Please request a new one.';

const INVALID_RESET =
  'The password reset link was invalid, possibly because it has already been used. Please request a new password reset.';
const FORGOTTEN_LINK = 'For your security, this page does not store the link.';
const INVALID_ACTIVATION =
  'The activation link was invalid, possibly because it has already been used. Try to log in, or request a new link.';

const origin = inject('origin');
const verifyingOrigin = inject('verifyingOrigin');
const hosts = [origin, verifyingOrigin].map((url) => new URL(url).host);

async function post(url: string, body: object) {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, body: response.status === 204 ? '' : await response.json() };
}

const newAddress = (name: string) => `${name}-${Date.now()}@example.com`;

/** The task that the page shows under this heading. */
function taskOf(page: Page, heading: string) {
  const section = page.getByRole('region', { name: heading, includeHidden: true });
  return {
    section,
    done: section.getByRole('status'),
    again: section.getByRole('button', { name: 'Send another email' }),
    async send(fields: Record<string, string> = {}) {
      for (const [label, value] of Object.entries(fields)) {
        await section.getByLabel(label).fill(value);
      }
      await section.locator('[type=submit]').click();
      await section.locator('form[aria-busy=false]').waitFor({ state: 'attached' });
    },
    /** The errors of a field. It has the focus. */
    async wrong(label: string) {
      const input = section.getByLabel(label);
      expect(await input.getAttribute('aria-invalid')).toBe('true');
      expect(await isFocused(page, `#${await input.getAttribute('id')}`)).toBe(true);
      const [errorId] = (await input.getAttribute('aria-describedby'))?.split(' ') ?? [];
      return page.locator(`#${errorId}`).textContent();
    },
  };
}

const isFocused = (page: Page, selector: string) =>
  page.locator(selector).evaluate((element) => element === document.activeElement);

const topOf = (locator: Locator) =>
  locator.evaluate((element) => element.getBoundingClientRect().top);

const bottomOf = (locator: Locator) =>
  locator.evaluate((element) => element.getBoundingClientRect().bottom);

/** The ids of what the page shows: refusals and tasks. */
const shown = (page: Page) =>
  page.locator('[data-view]:visible').evaluateAll((parts) => parts.map(({ id }) => id));

/** Records the requests of the page from now on. */
function recordRequests(page: Page) {
  const requests: Promise<{ url: string; headers: Record<string, string> }>[] = [];
  page.on('request', (request) => {
    const { hash, href } = new URL(request.url());
    const url = href.slice(0, href.length - hash.length);
    requests.push(request.allHeaders().then((headers) => ({ url, headers })));
  });
  return () => Promise.all(requests);
}

/** A message is a part of the page of a mail program, which has them. */
const LANDMARKS = ['landmark-one-main', 'region'];

/** Shows a message as a mail program does. */
async function lookAtMail(page: Page, name: string, html: string) {
  const reader = await page.context().newPage();
  await reader.setViewportSize(page.viewportSize() ?? { width: 1280, height: 900 });
  await reader.setContent(html);
  await look(reader, name, LANDMARKS);
  await reader.close();
}

describe.skipIf(!CHROMIUM).each(Object.entries(VIEWPORTS))('on a %s', (device, options) => {
  it('a forgotten password is replaced by the link in the mail', async () => {
    const complaints = await withPage(options ?? {}, hosts, async (page) => {
      const name = (state: string) => `account-${device}-${state}`;
      const email = newAddress(`meg-${device}`);
      const registered = await post(`${origin}/register`, {
        username: email,
        password: PASSWORD,
        email,
      });
      const requests = recordRequests(page);

      await page.goto(origin);
      await page.getByRole('link', { name: 'Forgot password?' }).click();
      const forgot = taskOf(page, 'Forgot your password?');
      await look(page, name('forgot'));
      expect(await shown(page)).toEqual(['forgot']);
      expect(await forgot.done.count()).toBe(0);
      await forgot.send();
      expect(await forgot.wrong('Email')).toBe('This field may not be blank.');
      await look(page, name('forgot-blank'));

      // An unknown address gets the same text.
      await forgot.send({ Email: newAddress('nobody') });
      const said = await forgot.done.textContent();
      expect(said).toContain('if an account exists with the email you entered');
      expect(await isFocused(page, '#forgot [role=status]')).toBe(true);
      expect(await forgot.section.locator('form').isVisible()).toBe(false);
      await forgot.again.click();
      expect(await isFocused(page, '#forgot-email')).toBe(true);
      expect(await forgot.done.count()).toBe(0);
      await forgot.send({ Email: email });
      expect(await forgot.done.textContent()).toBe(said);
      await look(page, name('forgot-sent'));
      expect(await smallTargets(page)).toEqual([]);

      const [mail] = await mailsTo(email, 1);
      if (!mail) throw new Error('There is no message.');
      await lookAtMail(page, name('mail'), mail.html);
      const link = linkIn(mail.text);
      expect(link.href.slice(0, -link.hash.length)).toBe(`${origin}/account`);
      expect(link.hash).toMatch(/^#reset\/\w+\/[\w-]+$/);
      await page.goto(link.href);
      const reset = taskOf(page, 'Enter new password');
      expect(await shown(page)).toEqual(['reset']);
      expect(page.url()).toBe(`${origin}/account`);

      // The page does not keep the link. It says how to get it again, in a copy of the tab too.
      await page.reload();
      await page.getByRole('alert').getByText(FORGOTTEN_LINK).waitFor();
      expect(await shown(page)).toEqual(['link-forgotten', 'forgot']);
      await look(page, name('link-forgotten'));
      await page.goto(link.href);
      expect(await shown(page)).toEqual(['reset']);
      expect(page.url()).toBe(`${origin}/account`);
      await look(page, name('reset'));
      expect(await smallTargets(page)).toEqual([]);

      await reset.send();
      expect(await reset.wrong('New password')).toBe('This field may not be blank.');
      await reset.send({ 'New password': NEW_PASSWORD, 'Confirm password': 'remembered wards' });
      expect(await reset.wrong('Confirm password')).toBe('The two password fields didn’t match.');
      await look(page, name('reset-mismatch'));

      const [first, confirmed] = ['New password', 'Confirm password'].map((label) =>
        reset.section.getByLabel(label),
      );
      await reset.section.getByRole('button', { name: 'Show new password' }).click();
      expect(await first?.getAttribute('type')).toBe('text');
      expect(await first?.inputValue()).toBe(NEW_PASSWORD);
      expect(await confirmed?.getAttribute('type')).toBe('password');
      await look(page, name('reset-shown'));
      await reset.section.getByRole('button', { name: 'Hide new password' }).click();
      expect(await first?.getAttribute('type')).toBe('password');
      await reset.section.getByRole('button', { name: 'Show new password' }).click();

      const confirmation = page.waitForRequest('**/users/reset_password_confirm');
      await reset.send({ Username: email, 'Confirm password': NEW_PASSWORD });
      expect((await confirmation).postDataJSON()).not.toHaveProperty('username');
      expect(await first?.getAttribute('type')).toBe('password');
      expect(await reset.done.textContent()).toBe(
        'Your password has been set. You may go ahead and log in now.',
      );
      expect(await isFocused(page, '#reset [role=status]')).toBe(true);
      expect(await reset.section.locator('form').isVisible()).toBe(false);
      expect(page.url()).toBe(`${origin}/account`);
      await look(page, name('reset-done'));
      expect(await smallTargets(page)).toEqual([]);
      await reset.section.getByRole('link', { name: 'Log in' }).click();
      const loginStep = page.getByRole('region', { name: 'Log in' });
      await expect.poll(() => topOf(loginStep)).toBeLessThan(page.viewportSize()?.height ?? 0);
      expect(await topOf(loginStep)).toBeGreaterThanOrEqual(await bottomOf(page.locator('aside')));
      await loginStep.getByLabel('Username').fill(email);
      await loginStep.getByLabel('Password').fill(NEW_PASSWORD);
      await loginStep.getByRole('button', { name: 'Log in' }).click();
      await loginStep.getByText('200 OK').waitFor();
      await page.getByRole('link', { name: 'Your account' }).click();
      expect(await shown(page)).toEqual(['forgot']);
      await page.goBack();
      expect(page.url()).not.toContain('#reset');

      const headers = { Authorization: `Token ${registered.body.token}` };
      expect((await fetch(`${origin}/me`, { headers })).status).toBe(401);
      const login = (password: string) => post(`${origin}/login`, { username: email, password });
      expect((await login(PASSWORD)).status).toBe(401);
      expect(await login(NEW_PASSWORD)).toEqual({
        status: 200,
        body: { valid: true, token: expect.stringMatching(/^[0-9a-f]{40}$/) },
      });

      // The used link is refused, and the page offers a new one.
      await page.goto(`${origin}/account${link.hash}`);
      await reset.send({ 'New password': PASSWORD, 'Confirm password': PASSWORD });
      await page.getByRole('alert').getByText(INVALID_RESET).waitFor();
      expect(await isFocused(page, '#reset-refused')).toBe(true);
      expect(await reset.section.getByLabel('New password').inputValue()).toBe('');
      expect(page.url()).toBe(`${origin}/account`);
      expect(await shown(page)).toEqual(['reset-refused', 'forgot']);
      await look(page, name('reset-refused'));

      await page.goto(`${origin}/account#reset/half`);
      await page.getByRole('alert').getByText('This link is incomplete.').waitFor();
      expect(page.url()).toBe(`${origin}/account`);
      expect(await shown(page)).toEqual(['link-refused', 'forgot']);
      await look(page, name('link-refused'));

      const sent = await requests();
      expect(sent.map(({ url }) => url)).toContain(`${origin}/users/reset_password_confirm`);
      const token = link.hash.split('/').at(-1) ?? link.hash;
      for (const { url, headers } of sent) {
        expect(headers).not.toHaveProperty('referer');
        expect(url + JSON.stringify(headers)).not.toContain(token);
      }
    });
    expect(complaints).toEqual([]);
  });

  it('an address of several accounts gets one message, or the link of the named one', async () => {
    const complaints = await withPage(options ?? {}, hosts, async (page) => {
      const email = newAddress(`twins-${device}`);
      const usernames = ['ada', 'grace'].map((name) => `${name}-${device}-${Date.now()}`);
      for (const username of usernames) {
        await post(`${origin}/register`, { username, password: PASSWORD, email });
      }
      await page.goto(`${origin}/account`);
      const forgot = taskOf(page, 'Forgot your password?');
      await forgot.send({ Email: email });
      await forgot.done.waitFor();
      // A message is sent at a random moment of the next second: without waiting, the second may be first.
      await mailsTo(email, 1);
      await forgot.again.click();
      await forgot.send({ Email: email, Username: usernames[1] ?? '' });
      const [all, one] = await mailsTo(email, 2);
      if (!all || !one) throw new Error('There is no message.');
      await lookAtMail(page, `account-${device}-mail-of-several`, all.html);
      for (const username of usernames) expect(all.text).toContain(username);
      expect(one.text).not.toContain(usernames[0]);
      await page.goto(linkIn(one.text).href);
      const reset = taskOf(page, 'Enter new password');
      await reset.send({ 'New password': NEW_PASSWORD, 'Confirm password': NEW_PASSWORD });
      await reset.done.waitFor();
      const login = { username: usernames[1], password: NEW_PASSWORD };
      expect(await post(`${origin}/login`, login)).toMatchObject({ status: 200 });
    });
    expect(complaints).toEqual([]);
  });

  it('a used link for a username leads to a new one', async () => {
    const complaints = await withPage(options ?? {}, hosts, async (page) => {
      const name = (state: string) => `username-${device}-${state}`;
      const email = newAddress(`amy-${device}`);
      const [old, next, other] = ['old', 'next', 'other'].map((n) => `${n}-${email}`);
      await post(`${origin}/register`, { username: old, password: PASSWORD, email });
      await post(`${origin}/users/reset_username`, { email });
      const [first] = await mailsTo(email, 1);
      const { hash } = linkIn(first?.text ?? '');
      await page.goto(`${origin}/account${hash}`);
      const username = taskOf(page, 'Enter new username');
      await look(page, name('form'));
      await username.send({ 'New username': next ?? '' });
      expect(await username.done.textContent()).toContain('Your username has been set.');
      expect(await username.section.getByRole('link', { name: 'Log in' }).isVisible()).toBe(true);
      await look(page, name('done'));

      await page.goto(`${origin}/account${hash}`);
      await page.reload();
      expect(await shown(page)).toEqual(['link-forgotten', 'forgot-username']);
      await page.goto(`${origin}/account${hash}`);
      await username.send({ 'New username': other ?? '' });
      await page.getByRole('alert').getByText(INVALID_USERNAME_LINK).waitFor();
      expect(await shown(page)).toEqual(['username-refused', 'forgot-username']);
      await look(page, name('refused'));
      const request = taskOf(page, 'Choose another username');
      await request.send({ Email: email });
      expect(await request.done.textContent()).toContain('if an account exists with the email');
      // Besides the two links, there is the notice of the change.
      const mails = await mailsTo(email, 3);
      const link = mails.findLast(({ subject }) => subject.startsWith('Username reset'));
      await page.goto(linkIn(link?.text ?? '').href);
      await username.send({ 'New username': other ?? '' });
      await username.done.waitFor();
      const login = { username: other, password: PASSWORD };
      expect(await post(`${origin}/login`, login)).toMatchObject({ status: 200 });
    });
    expect(complaints).toEqual([]);
  });

  it('who registers can log in after the link in the mail', async () => {
    const complaints = await withPage(options ?? {}, hosts, async (page) => {
      const name = (state: string) => `verified-${device}-${state}`;
      const email = newAddress(`meg-${device}`);
      const login = () => post(`${verifyingOrigin}/login`, { username: email, password: PASSWORD });

      await page.goto(verifyingOrigin);
      const register = taskOf(page, 'Register');
      await register.send({ Username: email, Password: PASSWORD });
      expect(await register.wrong('Email')).toBe('This field is required.');
      await register.send({ Email: email });
      const answer = register.section.locator('[data-part=response]');
      expect(await answer.textContent()).toMatch(/^201 .*"Verification e-mail sent."/s);
      expect(await register.section.locator('[data-part=meaning]').textContent()).toBe(
        'A new row in auth_user that is not active, and no row in authtoken_token. The link in the e-mail activates the user.',
      );
      expect(await page.evaluate(() => localStorage.getItem('token'))).toBeNull();
      await look(page, name('registered'));
      expect((await login()).status).toBe(401);

      const [mail] = await mailsTo(email, 1);
      if (!mail) throw new Error('There is no message.');
      await lookAtMail(page, name('mail'), mail.html);
      const { hash } = linkIn(mail.text);
      await page.goto(`${verifyingOrigin}/account${hash}`);
      const activate = taskOf(page, 'Activate your account');
      expect(await shown(page)).toEqual(['activate']);
      await look(page, name('activate'));
      // Programs that look at links in e-mails have opened it by now.
      expect((await login()).status).toBe(401);

      await activate.send();
      expect(await activate.done.textContent()).toBe(
        'Your account is active. You may go ahead and log in now.',
      );
      expect(await isFocused(page, '#activate [role=status]')).toBe(true);
      expect(page.url()).toBe(`${verifyingOrigin}/account`);
      await look(page, name('activate-done'));
      expect(await login()).toMatchObject({ status: 200, body: { valid: true } });

      await page.goto(`${verifyingOrigin}/account${hash}`);
      await activate.send();
      await page.getByRole('alert').getByText(INVALID_ACTIVATION).waitFor();
      expect(await isFocused(page, '#activate-refused')).toBe(true);
      expect(page.url()).toBe(`${verifyingOrigin}/account`);
      expect(await shown(page)).toEqual(['activate-refused', 'resend']);
      await look(page, name('activate-refused'));

      const waiting = newAddress(`jo-${device}`);
      const registration = { username: waiting, email: waiting, password: PASSWORD };
      await post(`${verifyingOrigin}/register`, registration);
      await page.goto(`${verifyingOrigin}/account`);
      expect(await shown(page)).toEqual(['forgot', 'resend']);
      await look(page, name('tasks'));
      const resend = taskOf(page, 'Resend the activation link');
      await resend.send({ Email: waiting });
      expect(await resend.done.textContent()).toContain('if an account with the email you entered');
      await look(page, name('resent'));
      const [first, second] = await mailsTo(waiting, 2);
      expect(second?.subject).toBe(first?.subject);
    });
    expect(complaints).toEqual([]);
  });
});

describe.skipIf(!CHROMIUM)('the page for links', () => {
  it('says in plain words what is no fault of who uses it, and can be tried again', async () => {
    const complaints = await withPage({}, hosts, async (page) => {
      const email = newAddress('often');
      await page.goto(`${origin}/account`);
      const forgot = taskOf(page, 'Forgot your password?');
      // MAIL_ADDRESS_LIMIT in wrangler.toml is 30, but counted anew each minute.
      const sendAgain = async () => {
        if (await forgot.again.isVisible()) await forgot.again.click();
        await forgot.send({ Email: email });
        return forgot.section.locator('[role=alert]').textContent();
      };
      await expect
        .poll(sendAgain, { timeout: 30_000 })
        .toBe('Too many attempts. Please try again in 60 seconds.');
      await look(page, 'account-desktop-throttled');

      // The page keeps the link through failures that may pass.
      const hash = '#reset/MQ/d9t8mi-0123456789abcdef0123456789abcdef';
      await page.goto(`${origin}/account${hash}`);
      const reset = taskOf(page, 'Enter new password');
      const sentence = reset.section.getByRole('alert');
      await reset.section.getByLabel('New password').fill(NEW_PASSWORD);
      await reset.section.getByLabel('Confirm password').fill(NEW_PASSWORD);
      for (const [status, words] of [
        [503, 'This is temporarily unavailable. Please try again in a moment.'],
        [500, 'Something went wrong on our side. Please try again later.'],
        [0, 'No response. Check your connection and try again.'],
      ] as const) {
        await page.route('**/users/*', (route) =>
          status === 0 ? route.abort() : route.fulfill({ status, json: { detail: 'No.' } }),
        );
        await reset.send();
        await sentence.getByText(words).waitFor();
        expect(await violations(page)).toEqual([]);
        expect(await shown(page)).toEqual(['reset']);
        await page.unroute('**/users/*');
      }
    });
    expect(complaints).toEqual([
      expect.stringContaining('status of 503'),
      expect.stringContaining('status of 500'),
      expect.stringContaining('net::ERR_FAILED'),
    ]);
  });
});
