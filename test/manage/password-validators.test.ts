/** The validators of AUTH_PASSWORD_VALIDATORS at the commands that set a password. */
import { expect, test } from 'vitest';
import { verifyPassword } from '../../src/hashing/hashers.ts';
import { type Run, useManage } from '../helpers/manage.ts';

const { manage, query } = useManage();

const database = {
  vars: {
    PBKDF2_ITERATIONS: '1000',
    AUTH_PASSWORD_VALIDATORS:
      'UserAttributeSimilarity,MinimumLength,CommonPassword,NumericPassword',
  },
};

const TOO_SHORT = 'This password is too short. It must contain at least 8 characters.';
const TOO_COMMON = 'This password is too common.';
const NUMERIC = 'This password is entirely numeric.';

const ANN = {
  DJANGO_SUPERUSER_USERNAME: 'ann',
  DJANGO_SUPERUSER_EMAIL: 'ann@example.com',
  DJANGO_SUPERUSER_PASSWORD: 'correct horse',
};

const run = (args: string[], others: Run) => manage(args, { database, ...others });

const createAnn = () => run(['createuser', '--no-input'], { env: ANN });

/** The password of the only user is this one. */
async function isPassword(password: string): Promise<boolean> {
  const [user] = await query('SELECT password FROM auth_user');
  return (await verifyPassword(password, String(user?.password), 1)).isCorrect;
}

/** The password as it is typed, twice. */
const twice = (password: string) => [`${password}\r`, `${password}\r`];

test.each(['createsuperuser', 'createuser'])(
  '%s says what is wrong with a password, and creates the user only if asked to',
  async (command) => {
    const args = [command, '--username', 'ann', '--email', 'ann@example.com'];
    const refused = await run(args, { keys: [...twice('123456'), 'n', ...twice('correct horse')] });
    expect(refused).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^(Superuser|User) created successfully\.\n$/),
      stderr: expect.stringContaining(`${TOO_SHORT}\n${TOO_COMMON}\n${NUMERIC}\n`),
    });
    expect(refused.stderr).toContain('Bypass password validation and create user anyway?');
    expect(await isPassword('correct horse')).toBe(true);

    await query('DELETE FROM auth_user');
    expect(await run(args, { keys: [...twice('123456'), 'y'] })).toMatchObject({ code: 0 });
    expect(await isPassword('123456')).toBe(true);
  },
);

test('createuser compares the password with the name and the address', async () => {
  const args = ['createuser', '--username', 'annemarie', '--email', 'rocks@collector.example'];
  const { stderr } = await run(args, {
    keys: [...twice('annemarie1'), 'n', ...twice('collector'), 'y'],
  });
  expect(stderr).toContain('The password is too similar to the username.\n');
  expect(stderr).toContain('The password is too similar to the email address.\n');
});

test('createuser asks again, without validating, if the two differ or are blank', async () => {
  const args = ['createuser', '--username', 'ann', '--email', 'ann@example.com'];
  const keys = ['123456\r', '654321\r', ...twice(' '), ...twice('correct horse')];
  const { code, stderr } = await run(args, { keys });
  expect(code).toBe(0);
  expect(stderr).toContain("Error: Your passwords didn't match.\n");
  expect(stderr).toContain("Error: Blank passwords aren't allowed.\n");
  expect(stderr).not.toContain(TOO_SHORT);
});

test('with --no-input a weak password is accepted, as in Django, and warned of', async () => {
  const env = { ...ANN, DJANGO_SUPERUSER_PASSWORD: '1234567' };
  const { code, stderr } = await run(['createsuperuser', '--no-input'], { env });
  expect(code).toBe(0);
  for (const sentence of [TOO_SHORT, TOO_COMMON, NUMERIC]) {
    expect(stderr).toContain(`WARNING: ${sentence}\n`);
  }
  expect(await isPassword('1234567')).toBe(true);
});

test('changepassword says what is wrong and asks again', async () => {
  await createAnn();
  const keys = [...twice('123456'), 'a new one\r', 'another one\r', ...twice('a new horse')];
  expect(await run(['changepassword', 'ann'], { keys })).toMatchObject({
    code: 0,
    stdout: "Password changed successfully for user 'ann'\n",
    stderr: expect.stringContaining(`${TOO_SHORT}\n${TOO_COMMON}\n${NUMERIC}\n`),
  });
  expect(await isPassword('a new horse')).toBe(true);
});

test('changepassword gives up after three attempts', async () => {
  await createAnn();
  const keys = [
    ...twice('123456'),
    ...twice('password'),
    ...twice('ann@example'),
    ...twice('good enough'),
  ];
  expect(await run(['changepassword', 'ann'], { keys })).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /The password is too similar to the email address\.\nCommandError: Aborting password change for user 'ann' after 3 attempts\n$/,
    ),
  });
  expect(await isPassword('correct horse')).toBe(true);
});

test('changepassword refuses a weak password from a pipe', async () => {
  await createAnn();
  expect(await run(['changepassword', 'ann'], { input: '123456\n123456\n' })).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(`CommandError: ${TOO_SHORT} ${TOO_COMMON} ${NUMERIC}\n$`),
  });
  expect(await isPassword('correct horse')).toBe(true);
});

test('without validators any password will do', async () => {
  await createAnn();
  const others = { database: { vars: { PBKDF2_ITERATIONS: '1000' } }, keys: twice('1') };
  expect(await run(['changepassword', 'ann'], others)).toMatchObject({ code: 0 });
  expect(await isPassword('1')).toBe(true);
});
