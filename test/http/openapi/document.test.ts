/** The OpenAPI document is committed, so that reviews show its changes and tools can read it. */
import { expect, it } from 'vitest';
import { send } from '../../helpers/client.ts';

it('is equal to the committed document, which `npm run openapi` writes', async () => {
  const document = await (await send('/openapi.json')).json();
  await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot('./openapi.json');
});
