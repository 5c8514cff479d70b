/** The description by itself: a maintained validator's opinion, and what it takes from the schemas. */
import { readFile } from 'node:fs/promises';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { expect, it } from 'vitest';
import { openApiDocument } from '../../../src/http/openapi/document.ts';

const COMMITTED = 'src/http/openapi/openapi.json';

it('is valid OpenAPI 3.1, and its examples are what its schemas allow', async () => {
  const config = await createConfig({
    extends: ['recommended-strict'],
    rules: {
      'no-invalid-media-type-examples': 'error',
      'no-invalid-schema-examples': 'error',
      // /health and /openapi.json take nothing that could be wrong.
      'operation-4xx-response': 'off',
    },
  });
  const source = await readFile(COMMITTED, 'utf8');
  expect(JSON.parse(source)).toMatchObject({ openapi: expect.stringMatching(/^3\.1\./) });
  const problems = await lintFromString({ source, absoluteRef: COMMITTED, config });
  expect(problems.map(({ ruleId, message }) => ({ ruleId, message }))).toEqual([]);
});

it('is served as it is written here: `npm run openapi` has been run', async () => {
  const document = JSON.parse(JSON.stringify(await openApiDocument()));
  expect(JSON.parse(await readFile(COMMITTED, 'utf8'))).toEqual(document);
});

it('says of bodies what the serializers check', async () => {
  const { components } = await openApiDocument();
  expect(components?.schemas).toMatchObject({
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
