/** Runs one engine of PBKDF2: `GET /<engine>/<iterations>`. */
import { pbkdf2 } from '@noble/hashes/pbkdf2.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { pbkdf2 as native, sha256 as nativeSha256 } from '@noble/hashes/webcrypto.js';
import { type Derive, loadWebAssembly } from '../../src/hashing/pbkdf2-webassembly.ts';

const KEY_BYTES = 32;

let webAssembly: Derive | undefined;

const ENGINES: Record<string, Derive> = {
  native: (password, salt, c) => native(nativeSha256, password, salt, { c, dkLen: KEY_BYTES }),
  webassembly: async (...derivation) => {
    webAssembly ??= await loadWebAssembly();
    return webAssembly(...derivation);
  },
  javascript: async (password, salt, c) => pbkdf2(sha256, password, salt, { c, dkLen: KEY_BYTES }),
};

export default {
  async fetch(request) {
    const [, engine = '', iterations] = new URL(request.url).pathname.split('/');
    const derive = ENGINES[engine];
    if (!derive) return new Response(null, { status: 404 });
    const bytes = new TextEncoder();
    const password = bytes.encode('correct horse battery staple');
    await derive(password, bytes.encode('SALTsaltSALTsaltSALTsa'), Number(iterations));
    return new Response('derived');
  },
} satisfies ExportedHandler<Env>;
