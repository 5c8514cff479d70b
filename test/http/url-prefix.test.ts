import { Hono } from 'hono';
import { describe, expect, it, vi } from 'vitest';
import { createApp } from '../../src/app.ts';
import cases from '../conformance/http-cases.json?raw';
import { answer, send, unthrottled } from '../helpers/client.ts';
import { withMailbox } from '../helpers/mailbox.ts';
import { replayCases } from '../helpers/replay-cases.ts';

const bindings = { ...unthrottled, URL_PREFIX: '/api/v1' };

describe('below URL_PREFIX', () => {
  replayCases(cases, { send: (path, init) => send(`/api/v1${path}`, init, bindings) });
});

describe('URL_PREFIX', () => {
  it.each(['/api/v1', '/api/v1/'])(
    'has the page at %s, whose links stay below it',
    async (path) => {
      const page = await (await send(path, {}, bindings)).text();
      expect(page).toContain('<form action="/api/v1/register"');
      expect(page).toContain('href="/api/v1/openapi.json"');
    },
  );

  it('is in the OpenAPI document and in the list of routes', async () => {
    const document = await send('/api/v1/openapi.json', {}, bindings);
    expect(await document.json()).toMatchObject({
      servers: [{ url: 'http://localhost:8000/api/v1' }],
    });
    const index = await send('/api/v1', {}, { ...bindings, BROWSABLE_API: 'false' });
    expect(await index.json()).toMatchObject({ '/api/v1/me': ['GET', 'PATCH', 'DELETE'] });
  });

  it('has the page for links in e-mails', async () => {
    const { bindings: mailing } = withMailbox({ URL_PREFIX: '/api' });
    const page = await (await send('/api/account', {}, mailing)).text();
    expect(page).toContain('/api/users/reset_password');
  });

  it('leaves the other paths as they are', async () => {
    expect((await send('/health', {}, bindings)).status).toBe(200);
    expect((await send('/api/v1/health', {}, bindings)).status).toBe(200);
    for (const path of ['/api/v1health', '/api/health', '/v1/health', '/api/v1/api/v1/health']) {
      expect((await send(path, {}, bindings)).status).toBe(404);
    }
  });

  it('is ignored by an app that is mounted', async () => {
    const host = new Hono().route('/api/v1', createApp());
    expect((await host.request('/api/v1/health', {}, bindings)).status).toBe(200);
    expect((await host.request('/api/v1/api/v1/health', {}, bindings)).status).toBe(404);
  });

  it('that is invalid gets 500', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const response = await send('/health', {}, { ...unthrottled, URL_PREFIX: 'api' });
    expect(await answer(response)).toEqual({
      status: 500,
      body: { detail: 'A server error occurred.' },
    });
  });
});
