/** Writes what the Worker serves as `GET /openapi.json`. Run it with `npm run openapi`. */
import { writeFileSync } from 'node:fs';
import { openApiDocument } from './document.ts';

const document = await openApiDocument();
writeFileSync('src/http/openapi/openapi.json', `${JSON.stringify(document, null, 2)}\n`);
