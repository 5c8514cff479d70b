/** Checks the OpenAPI document with a linter, and compares it with the schemas. */
import { readFile } from 'node:fs/promises';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { expect, it } from 'vitest';

const COMMITTED = 'test/http/openapi/openapi.json';
const source = await readFile(COMMITTED, 'utf8');

it('is valid OpenAPI 3.1, and its examples match its schemas', async () => {
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
  expect(JSON.parse(source)).toMatchObject({ openapi: expect.stringMatching(/^3\.1\./) });
  const problems = await lintFromString({ source, absoluteRef: COMMITTED, config });
  expect(problems.map(({ ruleId, message }) => ({ ruleId, message }))).toEqual([]);
});

it('describes bodies with the schemas that validate them', async () => {
  expect(JSON.parse(source).components.schemas).toMatchObject({
    RegisterRequest: {
      required: ['username', 'password'],
      properties: {
        username: { type: 'string', minLength: 1, maxLength: 150, pattern: expect.any(String) },
        password: { type: 'string', format: 'password', minLength: 1, maxLength: 4096 },
        first_name: { type: 'string', maxLength: 150, default: '' },
        last_name: { type: 'string', maxLength: 150, default: '' },
        email: { type: 'string', maxLength: 254, default: '' },
      },
    },
    LoginRequest: { required: ['username', 'password'] },
    PasswordRequest: { required: ['current_password', 'new_password'] },
    ProfileRequest: { required: [] },
    DeleteRequest: { required: ['current_password'] },
  });
});
