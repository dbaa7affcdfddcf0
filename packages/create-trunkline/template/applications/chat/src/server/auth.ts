import { type ConnectRequest, type CreateContextOptions, deny } from '@trunkline/server'

const validFor = 30 * 24 * 3_600_000 // 30 days

/** The token of a guest is the chosen name. Verify the tokens of your users here: Trunkline’s guide has how. */
export const authorize = ({ token = '' }: ConnectRequest) => {
  const name = token.trim()
  if (name === '' || name.length > 40) return deny('Choose a name of 1 to 40 characters.')
  return { principal: `guest:${name}`, claims: { name }, expiresAt: new Date(Date.now() + validFor) }
}

/** What procedures get as `ctx`. */
export const createContext = ({ claims }: CreateContextOptions<typeof authorize>) => ({ user: claims.name })
export type Context = ReturnType<typeof createContext>
