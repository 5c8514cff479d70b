/** The response of the page at `/`. test/browser/ tests its behaviour in a browser. */
import { describe, expect, it } from 'vitest';
import { answer, post, send, unthrottled } from '../../../helpers/client.ts';
import { withMailbox } from '../../../helpers/mailbox.ts';

const nonces = (text: string) =>
  [...text.matchAll(/nonce[-=]"?([^"' ;]+)/g)].map(([, nonce]) => nonce);

describe('GET /', () => {
  it('has labelled forms that only its script sends', async () => {
    const response = await send('/');
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('text/html; charset=UTF-8');
    const html = await response.text();
    expect(html).toMatch(/^<!doctype html><html lang="en">/);
    expect(html.match(/<form action="[^"]+" method="[^"]+"/g)).toEqual([
      '<form action="/register" method="post"',
      '<form action="/login" method="post"',
      '<form action="/me" method="get"',
      '<form action="/password" method="post"',
      '<form action="/tokens" method="get"',
      '<form action="/logout" method="post"',
    ]);
    const labelled = [...html.matchAll(/<label for="([^"]+)"/g)].map(([, id]) => id);
    expect([...html.matchAll(/<input id="([^"]+)"/g)].map(([, id]) => id)).toEqual(labelled);
    expect(html).toContain('<a href="/openapi.json">');
  });

  it('allows only scripts and styles with the nonce of the response, and only this origin', async () => {
    const response = await send('/');
    const [nonce = 'none'] = nonces(response.headers.get('Content-Security-Policy') ?? '');
    expect(response.headers.get('Content-Security-Policy')).toBe(
      `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; img-src data:; ` +
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
        "require-trusted-types-for 'script'",
    );
    expect(nonces(await response.text())).toEqual([nonce, nonce, nonce]);
    const next = await send('/');
    expect(nonces(next.headers.get('Content-Security-Policy') ?? '')[0]).not.toBe(nonce);
  });

  it('uses no resource of another host', async () => {
    const html = await (await send('/')).text();
    const urls = [...html.matchAll(/(?:https?:)?\/\/[\w.-]+\.\w+[^\s'"&]*/g)].map(([url]) => url);
    expect(new Set(urls)).toEqual(new Set(['http://www.w3.org/2000/svg']));
  });

  it('has the security headers of every response and no-store', async () => {
    const { headers } = await send('/');
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  });

  it('links to the page for forgotten passwords if e-mail is configured', async () => {
    const link = '<a href="/account">Forgot password?</a>';
    const { bindings } = withMailbox();
    expect(await (await send('/', {}, bindings)).text()).toContain(link);
    for (const without of ['EMAIL', 'DEFAULT_FROM_EMAIL']) {
      const response = await send('/', {}, { ...bindings, [without]: undefined });
      expect(await response.text()).not.toContain('/account');
    }
  });

  it('says what the email address is for, if e-mail is configured', async () => {
    const help = '<p class="help" id="register-email-help">Needed to reset a forgotten password.';
    const { bindings } = withMailbox();
    const html = await (await send('/', {}, bindings)).text();
    expect(html).toContain(help);
    expect(html).toContain('aria-describedby="register-email-error register-email-help"');
    const withoutMail = await send('/', {}, { ...bindings, EMAIL: undefined });
    expect(await withoutMail.text()).not.toContain('<p class="help"');
  });

  it('has a hidden username for password managers in each form that changes a password', async () => {
    const html = await (await send('/')).text();
    const [, form = ''] = /<form action="\/password"(.*?)<\/form>/s.exec(html) ?? [];
    expect(form).toContain('<input autocomplete="username" hidden="" data-part="username"/>');
  });

  it('requires an email address if addresses must be verified', async () => {
    const optional = 'Email <small>optional</small>';
    const { bindings } = withMailbox({ EMAIL_VERIFICATION: 'required' });
    const html = await (await send('/', {}, bindings)).text();
    expect(html).toContain('The link in the e-mail activates the user');
    expect(html).not.toContain(optional);
    expect(await (await send('/')).text()).toContain(optional);
  });

  it('responds 405 to POST', async () => {
    const response = await post('/', {});
    expect(response.headers.get('Allow')).toBe('GET, HEAD, OPTIONS');
    const body = { detail: 'Method "POST" not allowed.' };
    expect(await answer(response)).toEqual({ status: 405, body });
  });

  it('lists the routes if BROWSABLE_API is "false"', async () => {
    const response = await send('/', {}, { ...unthrottled, BROWSABLE_API: 'false' });
    expect(await answer(response)).toEqual({
      status: 200,
      body: expect.objectContaining({
        '/register': ['POST'],
        '/login': ['POST'],
        '/me': ['GET', 'PATCH', 'DELETE'],
      }),
    });
  });
});
