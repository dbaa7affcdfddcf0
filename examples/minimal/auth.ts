import { type ConnectRequest, type CreateContextOptions, deny } from '@trunkline/server'

/** The token of a guest is the chosen name. Verify the tokens of your users here. */
export const authorize = ({ token }: ConnectRequest) => {
  if (token === undefined) return deny('Choose a name.')
  return { principal: `guest:${token}`, claims: { name: token }, expiresAt: new Date(Date.now() + 3_600_000) }
}
export const createContext = ({ claims }: CreateContextOptions<typeof authorize>) => ({ user: claims.name })
