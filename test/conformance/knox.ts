/** The variants of knox-cases.json: our settings for each, and the steps that differ. */

const USUAL = { TOKEN_MODEL: 'knox.AuthToken' };

const DAY_SECONDS = 86_400;

export const VARIANTS = [
  {
    name: 'knox',
    variant: undefined,
    vars: USUAL,
    differences: [
      "authorization/tokens: a token of DRF's own",
      // Exotic:
      'slash/slash: login',
      'slash/slash: logout',
      'slash/slash: logoutall',
    ],
  },
  {
    name: 'a login by Basic',
    variant: 'basic',
    vars: USUAL,
    differences: [
      'basic/refusals: no header',
      'basic/refusals: a name and a password in the body are not looked at',
      'basic/header-forms: a Token header is not looked at',
      'basic/tokens-elsewhere: a good token does not log in',
    ],
  },
  {
    name: 'TOKEN_LIMIT_PER_USER',
    variant: 'limit',
    vars: { ...USUAL, TOKEN_LIMIT_PER_USER: '2' },
    differences: [
      'limit/two-and-no-more: 3. log in',
      'limit/expired-does-not-count: 3. log in',
      'limit/expired-does-not-count: 8. who am I',
    ],
  },
  {
    name: 'AUTO_REFRESH',
    variant: 'refresh',
    vars: { ...USUAL, AUTO_REFRESH: 'true' },
    differences: [],
  },
  {
    name: 'AUTO_REFRESH_MAX_TTL',
    variant: 'refresh-max',
    vars: { ...USUAL, AUTO_REFRESH: 'true', AUTO_REFRESH_MAX_TTL: `${DAY_SECONDS}` },
    differences: [],
  },
  {
    name: 'TOKEN_TTL',
    variant: 'no-expiry',
    vars: { ...USUAL, TOKEN_TTL: 'none' },
    differences: [],
  },
  {
    name: 'USER_SERIALIZER',
    variant: 'user',
    vars: { ...USUAL, USER_SERIALIZER: 'knox.serializers.UserSerializer' },
    differences: [],
  },
  {
    name: 'TOKEN_PREFIX',
    variant: 'prefix',
    vars: { ...USUAL, TOKEN_PREFIX: 'knx_', AUTH_HEADER_KEYWORD: 'Bearer' },
    differences: [],
  },
] satisfies {
  name: string;
  variant: string | undefined;
  vars: Record<string, string>;
  differences: string[];
}[];

/** A token in an expected body: any of DRF, or that of an earlier step. */
const TOKEN_OF_DRF = /"(token|key|auth_token)":"(?:<token>|\{\{\w+\}\})"/g;

/** Recorded cases in which each registration or login gives a new token of knox. */
export function withKnoxTokens(cases: string, { TOKEN_PREFIX }: Record<string, string>): string {
  const matcher = TOKEN_PREFIX === undefined ? '<knox-token>' : `<knox-token:${TOKEN_PREFIX}>`;
  const expectKnox = (expected: unknown): unknown =>
    JSON.parse(JSON.stringify(expected).replace(TOKEN_OF_DRF, `"$1":"${matcher}"`));
  return JSON.stringify(
    JSON.parse(cases, (key, value) => (key === 'expect' ? expectKnox(value) : value)),
  );
}
