const load = () => process.getBuiltinModule('node:crypto')

let crypto: ReturnType<typeof load> | undefined

/**
 * The SHA-256 digest of texts or bytes, one after another. The module `node:crypto` takes 4 ms to load: the first digest
 * loads it, since the init of a function needs none.
 */
export function sha256(...texts: readonly (string | Uint8Array)[]): Buffer {
  const [first] = texts
  // without a `Hash`, whose creation takes longer than the digest of a short text
  if (first !== undefined && texts.length === 1) return loaded().hash('sha256', first, 'buffer')
  const hash = loaded().createHash('sha256')
  for (const text of texts) hash.update(text)
  return hash.digest()
}

/** Compares secrets in constant time. */
export function isSameSecret(a: string, b: string): boolean {
  return loaded().timingSafeEqual(sha256(a), sha256(b))
}

function loaded() {
  crypto ??= load()
  return crypto
}
