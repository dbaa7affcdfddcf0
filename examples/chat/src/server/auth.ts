import { anonymous, type ConnectRequest, type CreateContextOptions, deny } from '@trunkline/server'
import { guestName } from './schemas.ts'

const guestStayMs = 12 * 60 * 60_000 // 12 h: a socket lives two at most, and a new one asks again

interface Guest {
  readonly name: string
  readonly expiresAt: Date
}

/**
 * Who a token stands for, or undefined when it stands for nobody. A guest's token is simply the name they chose: put
 * the verification of your JWT here, and nothing else of this example changes.
 */
function verifyToken(token: string): Guest | undefined {
  const name = guestName.safeParse(token)
  return name.success ? { name: name.data, expiresAt: new Date(Date.now() + guestStayMs) } : undefined
}

/** Without a token one may read and not write; with a malformed one the connection is refused and told why. */
export const authorize = async ({ token }: ConnectRequest) => {
  if (token === undefined) return anonymous
  const guest = verifyToken(token)
  if (guest === undefined) return deny('A name has 1 to 40 visible characters.')
  return { principal: `guest:${guest.name}`, claims: { name: guest.name }, expiresAt: guest.expiresAt }
}

export const createContext = (call: CreateContextOptions<typeof authorize>) => ({
  user: call.principal === null ? null : { id: call.principal, name: call.claims.name },
})
export type Context = ReturnType<typeof createContext>
