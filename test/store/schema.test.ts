/** Compares the migrated database with the database of Django's migrations. */
import { env } from 'cloudflare:workers';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import recorded from '../conformance/django-schema.json?raw';

const Rows = v.array(v.record(v.string(), v.unknown()));
const Django = v.object({
  tables: v.record(
    v.string(),
    v.object({
      table_info: Rows,
      index_list: Rows,
      index_info: v.record(v.string(), Rows),
      foreign_key_list: Rows,
    }),
  ),
});

const { tables } = v.parse(Django, JSON.parse(recorded));

const pragma = async (name: string, of: string) =>
  (await env.DB.prepare(`PRAGMA ${name}(${of})`).all()).results;

const OURS = [
  'auth_user_email_nocase',
  'auth_user_inactive',
  'auth_user_staff',
  'auth_user_superuser',
  'auth_user_unusable_password',
  'auth_user_unverified',
];

describe.each(Object.entries(tables))('%s', (table, django) => {
  it('has Django’s columns: names, order, declared types, nullability, keys', async () => {
    expect(await pragma('table_info', table)).toEqual(django.table_info);
  });

  it('has Django’s foreign keys', async () => {
    expect(await pragma('foreign_key_list', table)).toEqual(django.foreign_key_list);
  });

  it('has Django’s unique indexes, and our own', async () => {
    const indexes = await pragma('index_list', table);
    const ours = indexes.filter(({ origin }) => origin === 'c').map(({ name }) => name);
    expect(ours.sort()).toEqual(table === 'auth_user' ? OURS : []);
    const djangos = indexes.filter(({ origin }) => origin !== 'c');
    expect(djangos.map(({ seq: _, ...index }) => index)).toEqual(
      django.index_list.map(({ seq: _, ...index }) => index),
    );
    for (const [index, columns] of Object.entries(django.index_info)) {
      expect(await pragma('index_info', index)).toEqual(columns);
    }
  });
});

it('covers both of Django’s tables', () => {
  expect(Object.keys(tables)).toEqual(['auth_user', 'authtoken_token']);
});
