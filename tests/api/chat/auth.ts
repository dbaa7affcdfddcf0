import { anonymous, type ConnectRequest, type CreateContextOptions, deny } from '@trunkline/server'

/** What an application's own token check gives: here a token is the name itself, good for an hour. */
async function verify(token: string): Promise<{ sub: string; exp: number; name: string; blocks: string[] }> {
  if (token === 'forged') throw new Error('no signature')
  return { sub: token, exp: Math.floor(Date.now() / 1_000) + 3_600, name: token, blocks: [] }
}

export const authorize = async ({ token }: ConnectRequest) => {
  if (token === undefined) return anonymous
  try {
    const jwt = await verify(token)
    return {
      principal: jwt.sub,
      claims: { name: jwt.name, blocks: jwt.blocks },
      expiresAt: new Date(jwt.exp * 1_000),
    }
  } catch {
    return deny('token refused')
  }
}
export const createContext = (call: CreateContextOptions<typeof authorize>) => ({
  user: call.principal === null ? null : { id: call.principal, ...call.claims },
  idempotencyKey: call.idempotencyKey,
})
export type Context = ReturnType<typeof createContext>
