/** The OpenAPI document is committed, so that a change of it is seen and tools can read it. */
import { expect, it } from 'vitest';
import { send } from '../../helpers/client.ts';

it('is the committed document: `npm run openapi` writes it', async () => {
  const document = await (await send('/openapi.json')).json();
  await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot('./openapi.json');
});
