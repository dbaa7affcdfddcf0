import { type AllowsOrigin, type Origins, parseOrigins } from './origins.ts'

/**
 * Allows the origins of the options and of the environment. The variable is read again if it has changed. Throws a
 * `TypeError` for an origin that no browser sends.
 */
export function createOriginCheck(origins: Origins, envPrefix: string): () => AllowsOrigin {
  const name = `${envPrefix}_ORIGINS`
  const allowsGiven = parseOrigins(origins, '`origins`')
  let read: { readonly text: string; readonly allows: AllowsOrigin } | undefined
  const allowsRead = () => {
    const text = process.env[name] ?? ''
    if (read?.text !== text) {
      const listed = text.split(',').flatMap((origin) => origin.trim() || [])
      read = { text, allows: parseOrigins(listed, name) }
    }
    return read.allows
  }
  allowsRead()
  return () => {
    const allows = allowsRead()
    return async (origin, onError) => (await allows(origin, onError)) || allowsGiven(origin, onError)
  }
}
