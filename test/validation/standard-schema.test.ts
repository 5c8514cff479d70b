/** Fields of the host's own, checked by three libraries that implement Standard Schema. */
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ownSchema, validateOwnFields } from '../../src/validation/standard-schema.ts';

const SCHEMAS = {
  valibot: v.object({
    nickname: v.pipe(v.string(), v.maxLength(5)),
    age: v.optional(v.number(), 18),
  }),
  zod: z.object({ nickname: z.string().max(5), age: z.number().default(18) }),
  arktype: type({ nickname: 'string <= 5', age: 'number = 18' }),
};

describe.each(Object.entries(SCHEMAS))('a schema of %s', (_, schema) => {
  it('gets the fields that are not those of the service, and returns its output', async () => {
    const sent = { username: 'meg', password: 'S3cret-horse', nickname: 'Meg' };
    expect(await validateOwnFields(schema, sent)).toEqual({
      ok: true,
      value: { nickname: 'Meg', age: 18 },
    });
  });

  it('has DRF’s error for a missing field', async () => {
    expect(await validateOwnFields(schema, {})).toEqual({
      ok: false,
      error: { kind: 'validation-error', errors: { nickname: ['This field is required.'] } },
    });
  });

  it('has its own error for each field that it refuses', async () => {
    const refused = await validateOwnFields(schema, { nickname: 'Meg Ducharme', age: 'old' });
    expect(refused).toMatchObject({ ok: false, error: { kind: 'validation-error' } });
    const errors = refused.ok ? {} : refused.error.errors;
    expect(Object.keys(errors).sort()).toEqual(['age', 'nickname']);
    expect(Object.values(errors).flat()).not.toContain('This field is required.');
  });
});

const DESCRIBED = { type: 'string', maxLength: 5 };

it.each([
  ['zod', '3.1.0', SCHEMAS.zod],
  ['zod', '3.0.3', SCHEMAS.zod],
  ['arktype', '3.1.0', SCHEMAS.arktype],
])('%s describes its fields for OpenAPI %s', (_, version, schema) => {
  const { properties, required } = ownSchema(schema, 'input', version, undefined);
  expect(properties.nickname).toEqual(DESCRIBED);
  expect(required).toEqual(['nickname']);
});

it('arktype does not describe its fields for OpenAPI 3.0', () => {
  const none = { properties: {}, required: [] };
  expect(ownSchema(SCHEMAS.arktype, 'input', '3.0.3', undefined)).toEqual(none);
});

it('valibot does not describe its fields, and the JSON Schema of the host does', () => {
  const none = { properties: {}, required: [] };
  expect(ownSchema(SCHEMAS.valibot, 'input', '3.1.0', undefined)).toEqual(none);
  const given = { properties: { nickname: DESCRIBED }, required: ['nickname'] };
  expect(ownSchema(SCHEMAS.valibot, 'input', '3.1.0', given)).toEqual(given);
});
