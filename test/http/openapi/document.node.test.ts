/** Checks the OpenAPI document with a linter, and compares it with the schemas. */
import { readFile } from 'node:fs/promises';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { expect, it } from 'vitest';

const COMMITTED = 'test/http/openapi/openapi.json';
const source = await readFile(COMMITTED, 'utf8');

it.each(['3.0.3', '3.1.0'])(
  'is valid OpenAPI %s, and its examples match its schemas',
  async (version) => {
    const config = await createConfig({
      extends: ['recommended-strict'],
      rules: {
        'no-invalid-media-type-examples': 'error',
        'no-invalid-schema-examples': 'error',
        // /health and /openapi.json have no input, so they need no 4xx response.
        'operation-4xx-response': 'off',
        // The server of the document is the origin of the request.
        'no-server-example.com': 'off',
      },
    });
    const document = JSON.stringify({ ...JSON.parse(source), openapi: version });
    const problems = await lintFromString({ source: document, absoluteRef: COMMITTED, config });
    expect(problems.map(({ ruleId, message }) => ({ ruleId, message }))).toEqual([]);
  },
);

it('describes bodies with the schemas that validate them', async () => {
  expect(JSON.parse(source).components.schemas).toMatchObject({
    // The committed document is of a deployment that requires an address.
    RegisterRequestWithUsername: {
      required: ['username', 'password', 'email'],
      properties: {
        username: { type: 'string', minLength: 1, maxLength: 150 },
        password: { type: 'string', format: 'password', minLength: 1, maxLength: 4096 },
        first_name: { type: 'string', maxLength: 150 },
        last_name: { type: 'string', maxLength: 150 },
        email: { type: 'string', format: 'email', minLength: 1, maxLength: 254 },
      },
    },
    AuthTokenRequest: { required: ['username', 'password'] },
    PasswordRequest: { required: ['current_password', 'new_password'] },
    DeleteRequest: { required: ['current_password'] },
  });
});
