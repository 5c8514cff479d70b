import { describe, expect, it } from 'vitest';
import type { Bindings } from '../../../src/services/bindings.ts';
import { answer, send, unthrottled } from '../../helpers/client.ts';
import { withAllRoutes } from '../../helpers/mailbox.ts';

const documentOf = async (vars: Partial<Bindings> = {}, query = '') => {
  const response = await send(`/openapi.json${query}`, {}, { ...unthrottled, ...vars });
  expect(response.status).toBe(200);
  return response.json<object>();
};

/** The OpenAPI document is committed, so that reviews show its changes and tools can read it. */
it('is equal to the committed document, which `npm run openapi` writes', async () => {
  const document = await documentOf(withAllRoutes());
  await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot('./openapi.json');
});

describe('the OpenAPI document', () => {
  it('is the same in version 3.0', async () => {
    const document = await documentOf();
    expect(document).toMatchObject({ openapi: '3.1.0' });
    expect(await documentOf({}, '?version=3.1')).toEqual(document);
    expect(await documentOf({}, '?version=3.0')).toEqual({ ...document, openapi: '3.0.3' });
  });

  it.each(['2.0', '3', '3.0.3', '', '__proto__', 'toString'])(
    'does not exist in version %j',
    async (version) => {
      expect(await answer(await send(`/openapi.json?version=${version}`))).toEqual({
        status: 404,
        body: { detail: 'Not found.' },
      });
    },
  );

  it('uses nothing that only one version has', async () => {
    const text = JSON.stringify(await documentOf(withAllRoutes()));
    for (const keyword of ['"const"', '"nullable"', '"type":[', '"identifier"', '"null"']) {
      expect(text).not.toContain(keyword);
    }
  });

  it('has nothing that tools stumble over', async () => {
    const text = JSON.stringify(await documentOf(withAllRoutes()));
    for (const trap of ['"pattern"', '\\p{', '"default":""', '"required":[]']) {
      expect(text).not.toContain(trap);
    }
  });

  it('describes only routes that the settings enable', async () => {
    const { paths } = await documentOf().then((document) => Object({ ...document }));
    expect(paths).not.toHaveProperty(['/users/reset_username']);
    expect(paths).not.toHaveProperty(['/account']);
    expect(Object.keys(paths['/me'])).toEqual(['get', 'patch', 'delete']);
  });

  it('describes bodies with an email address and no username', async () => {
    const { schemas } = Object(await documentOf()).components;
    const text = { type: 'string', minLength: 1 };
    expect(schemas.LoginRequest).toEqual({
      anyOf: [
        { $ref: '#/components/schemas/LoginRequestWithUsername' },
        { $ref: '#/components/schemas/LoginRequestWithEmail' },
      ],
    });
    expect(schemas.LoginRequestWithEmail).toEqual({
      type: 'object',
      properties: { password: { ...text, format: 'password' }, email: text },
      required: ['password', 'email'],
    });
    expect(schemas.LoginRequestWithUsername.required).toEqual(['username', 'password']);
    expect(schemas.RegisterRequestWithEmail).toMatchObject({
      properties: { email: { maxLength: 150 }, first_name: {}, last_name: {} },
      required: ['password', 'email'],
    });
    expect(schemas.AuthTokenRequest.required).toEqual(['username', 'password']);
  });

  it('has the fields, the status and the messages that the settings add', async () => {
    const { paths, components } = Object(
      await documentOf({
        TOKEN_RESPONSE_FIELDS: 'user_id=id,staff=is_staff,username,expiry,valid=true',
        REGISTER_STATUS: '200',
        ERROR_MESSAGE: 'true',
      }),
    );
    const { Token, Login, Detail, FieldErrors, LoginFailed } = components.schemas;
    const added = {
      user_id: { type: 'integer' },
      staff: { type: 'boolean' },
      username: { type: 'string' },
      expiry: expect.anything(),
      valid: { type: 'boolean', enum: [true] },
    };
    expect(Token.properties).toEqual({ ...added, token: expect.anything() });
    expect(Login.properties).toEqual({ ...added, token: expect.anything() });
    expect(Token.required).toEqual(['token']);
    for (const error of [Detail, FieldErrors, LoginFailed]) {
      expect(error.properties.message).toEqual({ type: 'string' });
    }
    expect(Object.keys(paths['/register'].post.responses)).toContain('200');
    expect(Object.keys(paths['/register'].post.responses)).not.toContain('201');
  });

  it('has the keyword of the Authorization header', async () => {
    const schemeWith = async (AUTH_HEADER_KEYWORD: string) => {
      const { info, components } = Object(await documentOf({ AUTH_HEADER_KEYWORD }));
      expect(info.description).toContain(`Authorization: ${AUTH_HEADER_KEYWORD} <key>`);
      expect(components.headers['WWW-Authenticate'].description).toBe(`\`${AUTH_HEADER_KEYWORD}\``);
      return components.securitySchemes.Token;
    };
    expect(await schemeWith('Token')).toMatchObject({ type: 'apiKey', name: 'Authorization' });
    expect(await schemeWith('JWT')).toMatchObject({
      type: 'apiKey',
      description: expect.stringContaining('`JWT fa2eba'),
    });
    expect(await schemeWith('Bearer')).toEqual({ type: 'http', scheme: 'bearer' });
  });
});
