/** A stub of Have I Been Pwned. Vitest's configuration sends all outbound requests here. */
import { createHash } from 'node:crypto';

/** The only password known from a breach, and a password whose range gets an error response. */
const BREACHED = 'breached words';
const FAILING = 'failing words';

const digestOf = (password: string) =>
  createHash('sha1').update(password).digest('hex').toUpperCase();

const PADDING = `${'0'.repeat(35)}:0`;

type Asked = { url: string; headers: Pick<Headers, 'get' | 'has'> };

/** Responds with a range of digests to a correct request, and with an error to any other. */
export function pwnedPasswords(request: Asked): { status: number; body: string } {
  const { origin, pathname } = new URL(request.url);
  const prefix = /^\/range\/([0-9A-F]{5})$/.exec(pathname)?.[1];
  const isHonest =
    origin === 'https://api.pwnedpasswords.com' &&
    prefix !== undefined &&
    request.headers.get('Add-Padding') === 'true' &&
    request.headers.has('User-Agent');
  if (!isHonest) return { status: 400, body: 'Not a request of the range API.' };
  if (digestOf(FAILING).startsWith(prefix)) return { status: 500, body: '' };
  const digest = digestOf(BREACHED);
  const found = digest.startsWith(prefix) ? [`${digest.slice(5)}:7`] : [];
  return { status: 200, body: [...found, PADDING].join('\r\n') };
}
