import { isUserFilter, listUsers as list, USER_FILTERS } from '../../../auth/staff.ts';
import { noBody } from '../../body.ts';
import { NO_STORE } from '../../no-store.ts';
import { staff } from './access.ts';
import { LISTED_MEG, NOT_STAFF } from './descriptions.ts';
import { adminRoute } from './route.ts';
import { STAFF_USER_LIST } from './schemas.ts';

export const listUsers = adminRoute('GET /admin/api/users', {
  access: staff,
  body: noBody,
  description: {
    operationId: 'adminUserList',
    summary: 'List users',
    description:
      'Up to 50 users, newest first, or in the order of what is searched. If `next` is not null, it is the `after` of the next page. A page may have fewer users than fit, and a `next`: a request looks at 2,000 users or fewer.',
    query: {
      search: { description: 'The start of a username or address.', schema: { type: 'string' } },
      by: {
        description: 'The searched field. An address is found in upper and lower case.',
        schema: { type: 'string', enum: ['username', 'email'] },
      },
      filter: {
        description: 'Which users are in the list. Without it, all.',
        schema: { type: 'string', enum: USER_FILTERS },
      },
      after: { description: 'The `next` of the page before.', schema: { type: 'string' } },
    },
    responses: {
      200: {
        description: 'The users.',
        schema: STAFF_USER_LIST,
        examples: { boss: { users: [LISTED_MEG], next: null } },
      },
      ...NOT_STAFF,
    },
  },
  async handle(c) {
    // Unknown values count as missing: DRF ignores unknown parameters, too.
    const { search = '', by, filter = '', after } = c.req.query();
    const { users, next = null } = await list(c.var, {
      search: search.trim(),
      by: by === 'email' ? by : 'username',
      filter: isUserFilter(filter) ? filter : undefined,
      after,
    });
    return c.json({ users, next }, 200, NO_STORE);
  },
});
