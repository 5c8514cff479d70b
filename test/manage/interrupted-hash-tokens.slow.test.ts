import { expect, test } from 'vitest';
import { useDatabases } from '../helpers/manage-process.ts';

const freshDatabase = useDatabases();

/** The progress at which the process is killed, at the first batch and later. */
const MOMENTS = ['Hashing', 'Hashing 30%', 'Hashing 70%'];

test.for(MOMENTS)(
  'a hash_tokens killed at "%s" loses no token, and another run completes it',
  async (interruptAt) => {
    const total = 60_000;
    const { manage, query } = freshDatabase();
    const numbers = `WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ${total})`;
    query(`${numbers} INSERT INTO auth_user SELECT value, '!', NULL, 0, 'user' || value, '', '', 0, 1,
    '2024-03-18 02:30:00', '' FROM n`);
    query(`${numbers} INSERT INTO authtoken_token
    SELECT lower(hex(randomblob(20))), '2024-03-18 02:30:00', value FROM n`);
    const counts = () => {
      const [row] = query(`SELECT (SELECT count(*) FROM authtoken_token) AS plain,
      (SELECT count(DISTINCT user_id) FROM knox_authtoken) AS hashed`);
      return { plain: Number(row?.plain), hashed: Number(row?.hashed) };
    };
    const args = ['hash_tokens'];
    const env = { CLOUDFLARE_INCLUDE_PROCESS_ENV: 'true', TOKEN_MODEL: 'knox.AuthToken' };

    await manage(args, { env, interruptAt });
    const { plain, hashed } = counts();
    expect(plain + hashed).toBe(total);
    expect(plain).toBeGreaterThan(0);
    expect(hashed).toBeGreaterThan(0);

    expect(await manage(args, { env })).toMatchObject({ code: 0 });
    expect(counts()).toEqual({ plain: 0, hashed: total });
  },
);
