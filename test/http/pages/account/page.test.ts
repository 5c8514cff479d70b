/** The response of the page for links. test/browser/ tests its behaviour in a browser. */
import { createExecutionContext } from 'cloudflare:test';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../../../src/app.ts';
import type { Bindings } from '../../../../src/services/bindings.ts';
import { answer, post, send } from '../../../helpers/client.ts';
import { withMailbox } from '../../../helpers/mailbox.ts';

const verifying = () => withMailbox({ EMAIL_VERIFICATION: 'required' }).bindings;

const page = (bindings: Bindings = withMailbox().bindings, init: RequestInit = {}) =>
  send('/account', init, bindings);

const htmlOf = async (bindings?: Bindings) => (await page(bindings)).text();

const forms = (html: string) =>
  [...html.matchAll(/<form action="([^"]+)" method="post"/g)].map(([, action]) => action);

const NOT_FOUND = { status: 404, body: { detail: 'Not found.' } };

describe('GET /account', () => {
  it('has labelled forms that are hidden until the script has read the URL', async () => {
    const response = await page(undefined, { headers: { Accept: 'text/html' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('text/html; charset=UTF-8');
    const html = await response.text();
    expect(html).toMatch(/^<!doctype html><html lang="en">/);
    expect(forms(html)).toEqual([
      '/users/reset_password_confirm',
      '/users/reset_password',
      '/users/reset_username_confirm',
      '/users/reset_username',
    ]);
    const labelled = [...html.matchAll(/<label for="([^"]+)"/g)].map(([, id]) => id);
    expect([...html.matchAll(/<input id="([^"]+)"/g)].map(([, id]) => id)).toEqual(labelled);
    expect([...html.matchAll(/ autocomplete="([^"]+)"/g)].map(([, name]) => name)).toEqual([
      // The field of the reset for password managers.
      'username',
      'new-password',
      'new-password',
      'email',
      'username',
      'username',
      'email',
      'username',
    ]);
    const sections = html.match(/<section [^>]*>/g) ?? [];
    expect(sections).toHaveLength(4);
    for (const section of sections) expect(section).toContain(' hidden=""');
  });

  it('has the forms of activation and resend if addresses must be verified', async () => {
    const actions = ['/users/activation', '/users/resend_activation'];
    expect(forms(await htmlOf(verifying()))).toEqual(expect.arrayContaining(actions));
    expect(await htmlOf()).not.toContain('/users/activation');
  });

  it('has no form for a username without the routes of djoser', async () => {
    const { bindings } = withMailbox({ DJOSER: 'false' });
    expect(await htmlOf(bindings)).not.toContain('/users/reset_username');
  });

  it('does not send the username that is for password managers', async () => {
    const [input] = (await htmlOf()).match(/<input id="reset-username"[^>]*>/) ?? [];
    expect(input).toContain('autocomplete="username"');
    expect(input).not.toContain(' name=');
  });

  it('leads to the login of the lesson after each link, if there is a lesson', async () => {
    const logIn = /<a class="button" href="\/#login">Log in<\/a>/g;
    expect((await htmlOf(verifying())).match(logIn)).toHaveLength(3);
    const { bindings } = withMailbox({ BROWSABLE_API: 'false' });
    const html = await htmlOf(bindings);
    expect(html).not.toContain('#login');
    expect(html).not.toContain('<nav');
  });

  it('has the head of the lesson', async () => {
    const { bindings } = withMailbox();
    const head = async (path: string) => {
      const html = await (await send(path, {}, bindings)).text();
      const [header = ''] = /<header>.*?<\/header>/s.exec(html) ?? [];
      return header
        .replace(/<h1>.*?<\/h1>/, '')
        .replace(/<p>.*<\/p>/s, '')
        .replace(' aria-current="page"', '');
    };
    expect(await head('/account')).toBe(await head('/'));
    expect(await head('/')).toContain('<a href="/">Lesson</a><a href="/account">Your account</a>');
  });

  it('does not depend on the link and contains no data of the request', async () => {
    const { bindings } = withMailbox();
    const withoutNonce = async (path: string) =>
      (await (await send(path, {}, bindings)).text()).replace(/nonce="[^"]+"/g, '');
    const usual = await withoutNonce('/account');
    expect(await withoutNonce('/account/?next=https://evil.example#reset/MQ/x')).toBe(usual);
  });

  it('has security headers, no-store and no-referrer', async () => {
    const { headers } = await page();
    const policy = headers.get('Content-Security-Policy') ?? '';
    const [, nonce = 'none'] = /'nonce-([^']+)'/.exec(policy) ?? [];
    expect(policy).toBe(
      `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; img-src data:; ` +
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
        "require-trusted-types-for 'script'",
    );
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  });

  it('uses no resource of another host', async () => {
    const html = await htmlOf(verifying());
    const urls = [...html.matchAll(/(?:https?:)?\/\/[\w.-]+\.\w+[^\s'"&]*/g)].map(([url]) => url);
    expect(new Set(urls)).toEqual(new Set(['http://www.w3.org/2000/svg']));
  });

  it('responds 404 if e-mail is not configured', async () => {
    const { bindings } = withMailbox();
    for (const without of ['EMAIL', 'DEFAULT_FROM_EMAIL']) {
      const poorer = { ...bindings, [without]: undefined };
      expect(await answer(await page(poorer))).toEqual(NOT_FOUND);
      expect(await answer(await post('/account', {}, poorer))).toEqual(NOT_FOUND);
    }
  });

  it('responds 405 to POST', async () => {
    const response = await post('/account', {}, withMailbox().bindings);
    expect(response.headers.get('Allow')).toBe('GET, HEAD, OPTIONS');
    const body = { detail: 'Method "POST" not allowed.' };
    expect(await answer(response)).toEqual({ status: 405, body });
  });

  it('is enabled if BROWSABLE_API is "false"', async () => {
    const { bindings } = withMailbox({ BROWSABLE_API: 'false' });
    expect(await htmlOf(bindings)).toContain('<h1>Your account</h1>');
    const index = await answer(await send('/', {}, bindings));
    expect(index).toMatchObject({ status: 200, body: { '/account': ['GET'] } });
  });

  it('stays below the path that the app is mounted at', async () => {
    const host = new Hono<{ Bindings: Bindings }>().route('/auth', createApp());
    const request = new Request('http://localhost:8000/auth/account');
    const response = await host.fetch(request, verifying(), createExecutionContext());
    const html = await response.text();
    expect(forms(html)).toEqual([
      '/auth/users/reset_password_confirm',
      '/auth/users/reset_password',
      '/auth/users/reset_username_confirm',
      '/auth/users/reset_username',
      '/auth/users/activation',
      '/auth/users/resend_activation',
    ]);
    const [, nonce] = /'nonce-([^']+)'/.exec(
      response.headers.get('Content-Security-Policy') ?? '',
    ) ?? ['', 'none'];
    expect(html).toContain('href="/auth#login"');
    expect(html).toContain('<a href="/auth">Lesson</a>');
    expect(html).toContain(`<script type="module" nonce="${nonce}">`);
    expect(html).toContain(`<style nonce="${nonce}">`);
  });
});
