import { anonymous, type ConnectRequest, type CreateContextOptions, deny } from '@trunkline/server'
import { guestName } from './schemas.ts'

const guestStayMs = 12 * 60 * 60_000 // 12 h: a socket lives at most 2 h, and each new one is authorized again

interface Guest {
  readonly name: string
  readonly expiresAt: Date
}

/**
 * Verifies a token; undefined for an invalid one. In this example, the token of a guest is the chosen name. Verify your
 * JWT here; the rest of the example stays the same.
 */
function verifyToken(token: string): Guest | undefined {
  const name = guestName.safeParse(token)
  return name.success ? { name: name.data, expiresAt: new Date(Date.now() + guestStayMs) } : undefined
}

/** Without a token, a visitor may read but not write. A malformed token refuses the connection with a reason. */
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
